/** What the model journal tells of the past of an event: its attempts, its chain, the texts that it refers to. */

import type { EventRecord, Outcome } from '../../src/journal/journal.ts'
import { type Held, type JournalFault, record, type Slot } from './journal-faults.ts'

export function told({ acceptedAt, entry, slots }: Held, fault?: JournalFault): EventRecord {
  const { event, origin, callId, generation } = entry
  const deliveries = slots.filter(({ status }) => status !== 'dropped').map((slot) => record(slot, fault))
  const by = generation === undefined || fault === 'hides-generations' ? {} : { generation }
  return { event, origin, callId, acceptedAt, ...by, deliveries }
}

export function tried(slot: Slot, outcome: Outcome, fault?: JournalFault): void {
  if (outcome.figures === undefined || fault === 'hides-attempts') return
  const { attempts: attempt, lastAt: at = 0 } = slot
  const error = outcome.status === 'done' ? {} : { error: { code: outcome.error.code, message: outcome.error.message } }
  const { worker: _, ...few } = outcome.figures
  const figures = fault === 'hides-the-worker' ? few : outcome.figures
  const before = fault === 'tells-the-last-attempt-alone' ? [] : (slot.tries ?? [])
  slot.tries = [...before, { attempt, at, ...figures, ...error }]
}

export function chained(all: readonly Held[], name: string, limit: number, fault?: JournalFault): readonly Held[] {
  const found = all.filter(({ entry: { event } }) => {
    const { causationid, correlationid } = event.extensions ?? {}
    return correlationid === name && (causationid !== undefined || fault === 'chains-without-a-cause')
  })
  return fault === 'chains-without-end' ? found : found.slice(-limit)
}

export function keepText(texts: string[], text: string, fault?: JournalFault): number {
  const known = fault === 'numbers-texts-anew' ? -1 : texts.indexOf(text)
  return known < 0 ? texts.push(text) : known + 1
}
