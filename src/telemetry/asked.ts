/** What functions ask of their host while they run, counted as each thing ends. */

import { GatewayError } from '../errors.ts'
import { type Caller, type Host, HostError, type KeyValueStore } from '../pool/host.ts'
import type { FunctionPool } from '../pool/pool.ts'
import type { Metrics } from './metrics.ts'
import { METRICS } from './names.ts'
import { Counter, Histogram } from './tally.ts'

/** What came of it: this, a case of the error of its interface, or that its call ended first. */
const DONE = 'done'
const ABANDONED = 'abandoned'

export class Asked {
  readonly #operations = new Counter(METRICS.storeOperations)
  readonly #storeErrors = new Counter(METRICS.storeErrors)
  readonly #requests = new Counter(METRICS.functionHttpRequests)
  readonly #requestSeconds = new Histogram(METRICS.functionHttpSeconds)
  readonly #published = new Counter(METRICS.functionPublished)
  readonly #requested = new Counter(METRICS.functionRequested)
  readonly #calls = new Counter(METRICS.functionCalls)
  readonly #callErrors = new Counter(METRICS.functionCallErrors)

  readonly #invoked: Metrics['invoked']

  /** `invoked` is told of each call that one function made of another. */
  constructor(invoked: Metrics['invoked']) {
    this.#invoked = invoked
  }

  /** Returns what does as `host` does, and is counted. */
  counting(host: Host): Host {
    return {
      store: async (name) => this.#countingStore(name, await counted(host.store(name), this.#opening(name))),
      send: (request, caller) => {
        const begun = performance.now()
        const count: Count<{ status: number }> = (outcome, answer) => {
          this.#requests.add(caller.function, answer === undefined ? outcome : `${Math.floor(answer.status / 100)}xx`)
          this.#requestSeconds.observe(caller.function, (performance.now() - begun) / 1_000)
        }
        return counted(host.send(request, caller), count, caller)
      },
      publish: (message, caller) =>
        counted(host.publish(message, caller), (outcome) => this.#published.add(caller.function, outcome), caller),
      request: (message, caller, timeoutMs) => {
        const count: Count = (outcome) => this.#requested.add(caller.function, outcome)
        return counted(host.request(message, caller, timeoutMs), count, caller)
      },
      call: (name, parameters, caller, pool) => {
        const count: Count = (outcome) => add(this.#calls, this.#callErrors, caller.function, name, outcome)
        return counted(host.call(name, parameters, caller, this.#countingPool(pool)), count, caller)
      },
    }
  }

  render(): string {
    const stores = [this.#operations, this.#storeErrors]
    const sent = [this.#requests, this.#requestSeconds, this.#published, this.#requested]
    return [...stores, ...sent, this.#calls, this.#callErrors].map((metric) => metric.render()).join('')
  }

  /** As a call by a route is counted: of one that ended with an error it is all of its time. */
  #countingPool(pool: Pick<FunctionPool, 'invoke'>): Pick<FunctionPool, 'invoke'> {
    const invoke: FunctionPool['invoke'] = async (call, signal) => {
      const begun = performance.now()
      try {
        const result = await pool.invoke(call, signal)
        this.#invoked(call.function, result.runMs / 1_000)
        return result
      } catch (error) {
        if (error instanceof GatewayError && error.code.startsWith('FUNCTION_'))
          this.#invoked(call.function, (performance.now() - begun) / 1_000, error.code)
        throw error
      }
    }
    return { invoke }
  }

  #opening(name: string): Count {
    return (outcome) => {
      if (outcome !== DONE) this.#storeErrors.add(name, 'open')
    }
  }

  #countingStore(name: string, store: KeyValueStore): KeyValueStore {
    const of =
      (operation: string): Count =>
      (outcome) =>
        add(this.#operations, this.#storeErrors, name, operation, outcome)
    return {
      get: (keys) => counted(store.get(keys), of('get')),
      has: (key) => counted(store.has(key), of('has')),
      write: (changes) => counted(store.write(changes), of('write')),
      keys: (cursor) => counted(store.keys(cursor), of('keys')),
      increment: (key, by) => counted(store.increment(key, by), of('increment')),
      swap: (key, was, value) => counted(store.swap(key, was, value), of('swap')),
    }
  }
}

type Count<T = unknown> = (outcome: string, answer?: T) => void

/** Ends as `work` does, once that is counted. */
async function counted<T>(work: Promise<T>, count: Count<T>, caller?: Pick<Caller, 'signal'>): Promise<T> {
  let answer: T
  try {
    answer = await work
  } catch (error) {
    const kind = error instanceof HostError ? error.kind : 'unavailable'
    count(caller?.signal.aborted ? ABANDONED : kind)
    throw error
  }
  count(DONE, answer)
  return answer
}

function add(all: Counter, errors: Counter, first: string, second: string, outcome: string): void {
  all.add(first, second)
  if (outcome !== DONE) errors.add(first, second)
}
