/** AbortController and AbortSignal, as far as fetch needs them. */

import { setTimeout } from './timers.js'

const named = (name, message) => Object.assign(new Error(message), { name })

export class AbortSignal {
  aborted = false
  reason
  onabort
  #told = []

  static timeout(ms) {
    const signal = new AbortSignal()
    setTimeout(() => abort(signal, named('TimeoutError', `it took longer than ${ms} ms`)), ms)
    return signal
  }

  static abort(reason = named('AbortError', 'it was aborted')) {
    const signal = new AbortSignal()
    abort(signal, reason)
    return signal
  }

  throwIfAborted() {
    if (this.aborted) throw this.reason
  }

  addEventListener(type, listener) {
    if (type === 'abort') this.#told.push(listener)
  }

  removeEventListener(_type, listener) {
    this.#told = this.#told.filter((one) => one !== listener)
  }

  dispatchEvent(event) {
    for (const listener of [this.onabort, ...this.#told]) listener?.call(this, event)
  }
}

function abort(signal, reason) {
  if (signal.aborted) return
  signal.aborted = true
  signal.reason = reason
  signal.dispatchEvent({ type: 'abort', target: signal })
}

export class AbortController {
  signal = new AbortSignal()

  abort(reason = named('AbortError', 'it was aborted')) {
    abort(this.signal, reason)
  }
}
