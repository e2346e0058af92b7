/** What was recorded of a delivery: in a few figures, and as a whole for whoever runs its call again. */

import { encodeEvent } from '../event/codec.ts'
import type { DeadLetter, DeliveryRecord, EventRecord, Journal } from '../journal/journal.ts'
import { decodeRecording } from '../pool/recording.ts'
import { Problem } from './problem.ts'

type RecordingJournal = Pick<Journal, 'deadLetters' | 'find' | 'recording'>

/** What there is to say of a recording; nothing where there is none. */
export function recordingView(stored: Uint8Array | undefined): object {
  const recording = stored && decodeRecording(stored)?.recording
  if (!stored || !recording) return {}
  const { function: name, version, sha256, start, inputs, earlier, cut } = recording
  const count = start.length + inputs.length
  const of = { function: version === '' ? name : `${name}@${version}`, sha256 }
  return { recording: { ...of, inputs: count, bytes: stored.length, earlier, cut } }
}

/**
 * Resolves with the recording of a delivery, by its id, or by the callId or id of its event; with the event that the
 * function was called with, both in base64, and with how the delivery ended. Rejects with a Problem when there is none.
 */
export async function recordingOf(key: string, journal: RecordingJournal): Promise<object> {
  const found = (await ofDelivery(key, journal)) ?? (await ofEvent(key, journal))
  if (!found) throw await nothing(key, journal)
  const { delivery, event, stored } = found
  const called = decodeRecording(stored)?.event ?? encodeEvent(event)
  const { id, route, to, status, error, fallback } = delivery
  // The last error of what succeeded in the end is that of another attempt, unless its fallback did it.
  const failed = status === 'done' && fallback === undefined ? undefined : error
  return { id, route, to, status, ...(failed && { error: failed }), recording: base64(stored), event: base64(called) }
}

interface Found {
  readonly delivery: DeliveryRecord
  readonly event: EventRecord['event']
  readonly stored: Uint8Array
}

async function ofDelivery(id: string, journal: RecordingJournal): Promise<Found | undefined> {
  const stored = await journal.recording(id)
  if (!stored) return undefined
  // Of a batch the recording names one call for all of its members.
  const callId = (await letterOf(id, journal))?.callId ?? decodeRecording(stored)?.recording.callId ?? ''
  const record = await journal.find({ callId })
  const delivery = record?.deliveries.find((each) => each.id === id)
  return record && delivery && { delivery, event: record.event, stored }
}

async function ofEvent(key: string, journal: RecordingJournal): Promise<Found | undefined> {
  const record = (await journal.find({ callId: key })) ?? (await journal.find({ eventId: key }))
  const all: Found[] = []
  for (const delivery of record?.deliveries ?? []) {
    const stored = await journal.recording(delivery.id)
    if (record && stored) all.push({ delivery, event: record.event, stored })
  }
  if (all.length < 2) return all[0]
  const each = all.map(({ delivery: { id, to } }) => `${id} (${to})`).join(', ')
  throw new Problem(409, 'RECORDING_AMBIGUOUS', `several deliveries of "${key}" were recorded; name one: ${each}`)
}

async function letterOf(id: string, journal: RecordingJournal): Promise<DeadLetter | undefined> {
  for await (const letter of journal.deadLetters({ ids: [id] })) return letter
  return undefined
}

async function nothing(key: string, journal: RecordingJournal): Promise<Problem> {
  return new Problem(404, 'RECORDING_UNKNOWN', `nothing was recorded ${why(key, await letterOf(key, journal))}`)
}

function why(key: string, letter: DeadLetter | undefined): string {
  if (letter === undefined)
    return `under "${key}": a dead letter has its recording until it is redriven or dropped, and what succeeded has one where its function says "record: always"`
  const of = `of the dead letter "${key}"`
  if (letter.unrecorded)
    return `${of} that could be kept: recordings had their share of "journal.max_size"; drop dead letters, or raise it`
  return `${of}: its target is no function, or says "record: never", or its last attempt never began: its time was up while it waited for an instance, or while one was made`
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
