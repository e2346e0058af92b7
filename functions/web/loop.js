/** The event loop of one call: what a function waits for is waited for until it has its answer, all at once. */

import { dropJobs, runJobs } from './promise.js'

/** What is waited for: each a pollable of wasi:io, and what is told. */
const waits = []
let poll

/** Resolves once a pollable is ready. `by` is the `poll` of wasi:io/poll: a function that waits for nothing does not ask for it. */
export const ready = (pollable, by) =>
  new Promise((resolve) => {
    poll = by
    waits.push({ pollable, resolve })
  })

/** What 64 bits are to the engine: QuickJS takes numbers, and traps on what StarlingMonkey wants. */
export const wide = globalThis.__cqjs === undefined ? BigInt : Number

/** Returns what a promise comes to, or throws what it is rejected with; anything else as it is. */
export function finished(answer) {
  if (typeof answer?.then !== 'function') return answer
  let outcome
  Promise.resolve(answer).then(
    (value) => {
      outcome = { value }
    },
    (error) => {
      outcome = { error }
    },
  )
  try {
    for (runJobs(); outcome === undefined; runJobs()) waitForFirst()
  } finally {
    leaveNothing()
  }
  if ('error' in outcome) throw outcome.error
  return outcome.value
}

function waitForFirst() {
  if (waits.length === 0) throw STUCK
  const places = new Set(poll(waits.map(({ pollable }) => pollable)))
  const there = waits.filter((_, place) => places.has(place))
  waits.splice(0, waits.length, ...waits.filter((_, place) => !places.has(place)))
  for (const { pollable, resolve } of there) {
    pollable[Symbol.dispose]()
    resolve()
  }
}

/** A failure of the interface. */
const STUCK = {
  tag: 'reject',
  val: { kind: 'system', code: 'NEVER_SETTLED', message: 'it waits for a promise that nothing is left to settle' },
}

/** What a call began and did not wait for ends with it. */
function leaveNothing() {
  dropJobs()
  for (const { pollable } of waits.splice(0)) pollable[Symbol.dispose]()
}
