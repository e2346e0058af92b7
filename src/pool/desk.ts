/** Serves what functions ask of the gateway while they run, on the main thread. */

import { GatewayError } from '../errors.ts'
import type { Asked, Question, Questions, Told } from './asking.ts'
import { type Caller, type Host, HostError } from './host.ts'
import type { FunctionLog, FunctionPool } from './pool.ts'

interface Service {
  readonly host: Host
  readonly caller: Caller
  readonly pool: Pick<FunctionPool, 'invoke'>
}

type Serve<Q extends Question> = (ask: Questions[Q]['ask'], service: Service) => Promise<Questions[Q]['answer']>

const SERVICES: { readonly [Q in Question]: Serve<Q> } = {
  'kv.get': async ({ store, keys }, { host }) => (await host.store(store)).get(keys),
  'kv.has': async ({ store, key }, { host }) => (await host.store(store)).has(key),
  'kv.write': async ({ store, changes }, { host }) => void (await (await host.store(store)).write(changes)),
  'kv.keys': async ({ store, cursor }, { host }) => (await host.store(store)).keys(cursor),
  'kv.increment': async ({ store, key, by }, { host }) => (await host.store(store)).increment(key, by),
  'kv.swap': async ({ store, key, was, value }, { host }) => (await host.store(store)).swap(key, was, value),
  'http.send': (request, { host, caller }) => host.send(request, caller),
  'messaging.publish': async (message, { host, caller }) => void (await host.publish(message, caller)),
  'messaging.request': ({ message, timeoutMs }, { host, caller }) => host.request(message, caller, timeoutMs),
  call: ({ name, parameters }, { host, caller, pool }) => host.call(name, parameters, caller, pool),
}

/** Resolves with what the worker is told; `log` gets what is no business of the function. */
export async function serve(
  { id, what, ask }: Asked,
  host: Host | undefined,
  caller: Caller,
  pool: Service['pool'],
  log: FunctionLog,
): Promise<Told> {
  try {
    if (!host) throw new HostError('unavailable', 'there is no gateway here')
    return { kind: 'told', id, answer: await served(what, ask, { host, caller, pool }) }
  } catch (error) {
    const { kind, code, message } = problemOf(error, what, caller, log)
    return { kind: 'told', id, problem: { kind, code, message } }
  }
}

/** What went wrong by itself, such as a disk, may name paths and addresses: whoever runs the gateway is told. */
function problemOf(error: unknown, what: Question, { callId, function: name }: Caller, log: FunctionLog): HostError {
  if (error instanceof HostError) return error
  if (error instanceof GatewayError) return new HostError('unavailable', error.message)
  log({ function: name, callId, level: 'error', message: `${what} (host): failed: ${String(error)}` })
  return new HostError('unavailable', 'the gateway could not do this; its log says why')
}

const served = <Q extends Question>(what: Q, ask: Questions[Q]['ask'], service: Service) => SERVICES[what](ask, service)
