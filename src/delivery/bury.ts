/** Has the `dead_letter` of a route get its copy of what is given up: whole, or what of it the journal has room for. */

import { type GatewayError, toGatewayError } from '../errors.ts'
import { bare, type CloudEvent, withoutData } from '../event/index.ts'
import type { Delivery, Failure, Journal } from '../journal/journal.ts'
import type { Route } from '../router/route.ts'
import { type Clock, passTime, SYSTEM_CLOCK } from './clock.ts'
import { LEFT_OUT, toDeadLetter } from './deadletter.ts'
import type { Room } from './room.ts'

export interface BuryParts {
  readonly journal: Pick<Journal, 'find'>
  /** Appends the copy of a dead letter for a target, durably. */
  readonly copy: (copy: CloudEvent, target: string, route: string) => Promise<void>
  /** Absent where the journal has no limit. */
  readonly room?: Room | undefined
  readonly now: () => number
  readonly clock?: Clock
}

/** How often it is looked whether there is room by now. */
const LOOK_AGAIN_MS = 1_000
/** A journal that is at its limit may be so because of what waits here: after so many looks less has to do. */
const MOST_LOOKS = 5

/**
 * Resolves to the failure as it is to be settled, once the copy is on disk; when that is not the whole event, it says so.
 * While a disk is full it waits. `waits` hears once why it does. Rejects with what ends the gateway, and with why there
 * is no room when `signal` is aborted.
 */
export async function bury(
  delivery: Delivery,
  { deadLetter, name }: Route,
  failure: Failure,
  parts: BuryParts,
  waits: (error: GatewayError) => void,
  signal: AbortSignal,
): Promise<Failure> {
  if (deadLetter === undefined) return failure
  const { callId, event } = delivery
  const record = await parts.journal.find({ callId })
  const firstAt = record?.deliveries.find(({ id }) => id === delivery.id)?.firstErrorAt ?? parts.now()
  const burial = new Burial(event, parts, waits, signal)
  const told = (note: string): Failure => ({ ...failure, message: `${failure.message}; ${note}` })
  for (const { form, note } of formsOf(event, deadLetter.text)) {
    const copy = toDeadLetter({ ...delivery, event: form }, failure, firstAt, parts.now())
    if (await burial.fits(copy, () => parts.copy(copy, deadLetter.text, name))) return note ? told(note) : failure
  }
  return told(`"${deadLetter.text}" gets no copy, as the journal has no room for one; raise journal.max_size`)
}

interface Form {
  readonly form: CloudEvent
  /** What the dead letter says of it. */
  readonly note?: string
}

/** What may be copied of an event: the first for which there is room. */
function formsOf(event: CloudEvent, target: string): readonly Form[] {
  const lacks = (what: string) => `its copy for "${target}" has ${what}, as the journal has no room for more`
  const data = `none of its ${event.data?.length ?? 0} bytes of data`
  return [
    { form: event },
    ...(event.data ? [{ form: withoutData(event, LEFT_OUT), note: lacks(data) }] : []),
    { form: bare(event, LEFT_OUT), note: lacks(`${data}, and only the attributes that it must have`) },
  ]
}

/** The patience that a dead letter has with the journal. */
class Burial {
  readonly #event: CloudEvent
  readonly #parts: BuryParts
  readonly #waits: (error: GatewayError) => void
  readonly #signal: AbortSignal
  #looks = 0
  #waited = false

  constructor(event: CloudEvent, parts: BuryParts, waits: (error: GatewayError) => void, signal: AbortSignal) {
    this.#event = event
    this.#parts = parts
    this.#waits = waits
    this.#signal = signal
  }

  /** Resolves to whether a copy was appended; not when it is not to be waited for. */
  async fits(copy: CloudEvent, append: () => Promise<void>): Promise<boolean> {
    for (;;)
      try {
        await append()
        return true
      } catch (thrown) {
        const error = toGatewayError(thrown)
        if (error.code === 'EVENT_TOO_LARGE') return false
        if (error.code !== 'JOURNAL_FULL') throw error
        if (!this.#mayFit(copy)) return false
        await this.#wait(error)
      }
  }

  #mayFit(copy: CloudEvent): boolean {
    const { room } = this.#parts
    if (room === undefined) return true
    if (!room.couldHold([this.#event, copy])) return false
    return room.hasRoomFor(copy) || ++this.#looks <= MOST_LOOKS
  }

  async #wait(error: GatewayError): Promise<void> {
    if (!this.#waited) this.#waits(error)
    this.#waited = true
    await passTime(this.#parts.clock ?? SYSTEM_CLOCK, LOOK_AGAIN_MS, this.#signal).catch(() => {
      throw error
    })
  }
}
