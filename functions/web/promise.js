/**
 * Promises whose jobs run when loop.js says so. QuickJS runs its own between calls of a component that is asynchronous
 * throughout; in one that is called and answers, nobody does.
 */

const Native = globalThis.Promise
const jobs = []
/** By this whoever waits for anything knows a promise. */
const THEN = 'then'

/** Runs what is to be done now, and what that leaves to be done now. */
export function runJobs() {
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) job()
}

/** Drops what was not done. */
export const dropJobs = () => jobs.splice(0)

export class Later {
  #state = 'pending'
  #value
  #reactions = []

  constructor(executor) {
    if (typeof executor !== 'function') throw new TypeError('a promise is made with a function')
    const { reject, resolve } = this.#once()
    attempt(() => executor(resolve, reject), reject)
  }

  static get [Symbol.species]() {
    return Later
  }

  static resolve(value) {
    return value instanceof Later ? value : new Later((resolve) => resolve(value))
  }

  [THEN](onFulfilled, onRejected) {
    return new Later((resolve, reject) => {
      const react = () => {
        const [handler, settle] = this.#state === 'fulfilled' ? [onFulfilled, resolve] : [onRejected, reject]
        if (typeof handler !== 'function') settle(this.#value)
        else attempt(() => resolve(handler(this.#value)), reject)
      }
      if (this.#state === 'pending') this.#reactions.push(react)
      else jobs.push(react)
    })
  }

  catch(onRejected) {
    return this.then(undefined, onRejected)
  }

  finally(work) {
    return Native.prototype.finally.call(this, work)
  }

  /** Of the two the first that is called counts. */
  #once() {
    let called = false
    const first = (act) => (value) => {
      if (called) return
      called = true
      act(value)
    }
    return {
      resolve: first((value) => this.#resolve(value)),
      reject: first((error) => this.#settle('rejected', error)),
    }
  }

  #resolve(value) {
    if (value === this) return this.#settle('rejected', new TypeError('a promise cannot wait for itself'))
    attempt(
      () => {
        const then = Object(value) === value ? value.then : undefined
        if (typeof then !== 'function') return this.#settle('fulfilled', value)
        jobs.push(() => {
          const { reject, resolve } = this.#once()
          attempt(() => then.call(value, resolve, reject), reject)
        })
      },
      (error) => this.#settle('rejected', error),
    )
  }

  #settle(state, value) {
    this.#state = state
    this.#value = value
    jobs.push(...this.#reactions.splice(0))
  }
}

function attempt(work, failed) {
  try {
    work()
  } catch (error) {
    failed(error)
  }
}

// Those of the language make promises of whatever they are called on.
for (const name of ['all', 'allSettled', 'any', 'race', 'reject', 'try', 'withResolvers'])
  if (name in Native) Later[name] = Native[name]
