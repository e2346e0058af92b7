/** `poll_oneoff` of WASI preview 1: sleeps until the first of some instants. */

import { LiftError } from './budget.ts'
import type { ProgramMemory } from './program-memory.ts'
import type { Senses } from './senses.ts'

/** Where the call's parameters lie. */
interface Polling {
  readonly subscriptions: number
  readonly events: number
  readonly count: number
  readonly ready: number
}

const SUBSCRIPTION = 48
const EVENT = 32
const CLOCK = 0
const REALTIME = 0
const ABSOLUTE = 1
const INVALID = 28
/** Subscriptions of one call. */
const MOST = 1_000

/** Sleeps, and writes an event for each subscription whose time has come. Returns an errno. */
export function polled(memory: ProgramMemory, call: Polling, senses: Senses): number {
  const count = call.count >>> 0
  if (count === 0) return INVALID
  if (count > MOST) throw new LiftError(`it polled ${count} subscriptions; ${MOST} are the most`)
  const waits = Array.from({ length: count }, (_, index) =>
    waitOf(memory, (call.subscriptions >>> 0) + index * SUBSCRIPTION, senses),
  )
  const first = Math.min(...waits)
  if (first > 0) senses.pause(first)
  let ready = 0
  for (const [index, wait] of waits.entries()) {
    if (wait > first) continue
    const from = (call.subscriptions >>> 0) + index * SUBSCRIPTION
    const at = (call.events >>> 0) + ready++ * EVENT
    const userdata = memory.view.getBigUint64(from, true)
    const type = memory.view.getUint8(from + 8)
    memory.bytes(at, EVENT).fill(0)
    memory.setU64(at, userdata)
    memory.view.setUint8(at + 10, type)
  }
  memory.setU32(call.ready, ready)
  return 0
}

/** Milliseconds from now; a stream is always ready. */
function waitOf(memory: ProgramMemory, at: number, senses: Senses): number {
  const { view } = memory
  if (view.getUint8(at + 8) !== CLOCK) return 0
  const timeout = Number(view.getBigUint64(at + 24, true)) / 1e6
  if ((view.getUint16(at + 40, true) & ABSOLUTE) === 0) return timeout
  const now = view.getUint32(at + 16, true) === REALTIME ? senses.wall() : senses.steady()
  return Math.max(0, timeout - now)
}
