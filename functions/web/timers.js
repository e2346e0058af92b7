/** setTimeout and clearTimeout, by the clock of WASI; what is still to come when a function answers, does not. */

import { subscribeDuration } from 'wasi:clocks/monotonic-clock@0.2.0'
import { poll } from 'wasi:io/poll@0.2.0'
import { ready, wide } from './loop.js'

const running = new Set()
let made = 0

export function setTimeout(work, ms = 0, ...given) {
  const id = ++made
  running.add(id)
  const nanoseconds = Math.round(Math.max(Number(ms) || 0, 0) * 1e6)
  void ready(subscribeDuration(wide(nanoseconds)), poll).then(() => {
    if (running.delete(id)) work(...given)
  })
  return id
}

export const clearTimeout = (id) => void running.delete(id)
