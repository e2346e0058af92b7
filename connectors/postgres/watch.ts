/** Looks after a stream: what the slot costs the server, and whether anything still comes. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from '#connector'
import type { PostgresConfig } from './config.ts'
import type { Connection } from './connection.ts'
import type { Offers } from './offers.ts'
import { findSlot, type Slot } from './slot.ts'
import type { Stream } from './stream.ts'

const WATCH_MS = 5_000
/** A server that does not say how the slot stands by then is not there. */
const ANSWER_MS = 20_000

export interface Watch {
  readonly config: PostgresConfig
  readonly context: Context
  readonly control: Connection
  readonly stream: Stream
  readonly offers: Offers
  readonly slot: string
  readonly application: string
  readonly signal: AbortSignal
}

/** Resolves once `signal` is aborted. Rejects with what ended the stream, or the connection. */
export async function watch(parts: Watch): Promise<void> {
  const { control, signal, stream } = parts
  const broken = new AbortController()
  void Promise.race([stream.ended, control.broken]).then((error) => broken.abort(error))
  const either = AbortSignal.any([signal, broken.signal])
  const guard = new Guard(parts)
  while (!either.aborted) {
    await look(parts, guard, broken)
    await sleep(WATCH_MS, undefined, { signal: either }).catch(() => {})
  }
  if (!signal.aborted) throw broken.signal.reason
}

async function look(parts: Watch, guard: Guard, broken: AbortController): Promise<void> {
  const { application, control, context, offers, slot: name, stream } = parts
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('the server does not answer')), ANSWER_MS)
  try {
    // What it is asked on a connection whose other end is silent, it may never answer.
    const slot = await Promise.race([control.inTurn((client) => findSlot(client, name)), late])
    // A stream that is paused does not notice that nobody is at its other end.
    const ours = slot?.active && (slot.reader === null || slot.reader === application)
    if (!ours) return broken.abort(new Error('the server no longer sends changes to this source'))
    context.meter.stands({ lagBytes: slot.kept, oldest: stream.oldest, inFlight: offers.underWay })
    guard.check(slot)
  } catch (error) {
    broken.abort(error)
  } finally {
    clearTimeout(timer)
  }
}

/** Warns, once each time, of a slot that costs too much. */
class Guard {
  readonly #parts: Watch
  #warned = false

  constructor(parts: Watch) {
    this.#parts = parts
  }

  check({ kept, status }: Slot): void {
    const { config, context, slot } = this.#parts
    const ending = status === 'unreserved'
    const much = kept > config.warn_lag
    if ((much || ending) && !this.#warned) {
      const what = `the slot "${slot}" keeps ${kept} bytes of the log on the disk of the database`
      const then = ending ? ', and is about to be given up by the server' : ''
      const fields = { source: context.name, slot, kept, status }
      context.log.warn(
        fields,
        `${context.name} (postgres): reading changes: ${what}${then}; see what holds the routes up`,
      )
    }
    this.#warned = much || ending
  }
}
