/** Room in the journal for what comes of an event that is held: what could never be beside it is not waited for. */

import { GatewayError, toGatewayError } from '../errors.ts'
import { type CloudEvent, EventDraft } from '../event/index.ts'

export interface Room {
  /** Whether a journal with nothing else in it would hold these side by side. */
  couldHold(events: readonly CloudEvent[]): boolean
  /** Whether "journal.max_size" leaves room for it now. An append may find none all the same: a disk is full then. */
  hasRoomFor(event: CloudEvent): boolean
}

/** Of what the journal keeps beside an event: its names, its routes, the state of their deliveries. */
const BESIDE = 512

/** Bytes of the journal that an event takes, or a few more. */
export const sizeOf = (event: CloudEvent): number => new EventDraft(event).bytes + BESIDE

/** Whether there is no room for now, as far as the journal could tell. */
export const isFull = (thrown: unknown): boolean => toGatewayError(thrown).code === 'JOURNAL_FULL'

/**
 * Returns what refused `wanted`: when there was no room, and there could be none as long as `held` is there, which stays
 * until they are kept, it is for good.
 */
export function forGood(
  thrown: unknown,
  held: readonly CloudEvent[],
  wanted: readonly CloudEvent[],
  room: Room | undefined,
): unknown {
  if (!isFull(thrown) || room === undefined || room.couldHold([...held, ...wanted])) return thrown
  const which = wanted.length === 1 ? 'the event does' : `the ${wanted.length} events do`
  const what = `${which} not fit into the journal beside it`
  return new GatewayError(
    'EVENT_TOO_LARGE',
    `journal: keeping what came of "${held[0]?.id}": ${what}, were nothing else in there; raise journal.max_size, or send less`,
    { cause: thrown },
  )
}
