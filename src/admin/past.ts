/** The past of one event: what the routes of its time said of it, who ran it, and the chain that it is part of. */

import type { Remembered } from '../delivery/refusals.ts'
import type { EventRecord } from '../journal/journal.ts'
import { chainOf } from './chain.ts'
import type { AdminParts, Past } from './parts.ts'
import { type FunctionOf, recordView, refusalView } from './views.ts'

type Parts = Pick<AdminParts, 'explain' | 'mark' | 'past' | 'refusals' | 'standings'> & {
  readonly journal: Pick<AdminParts['journal'], 'chain' | 'find'>
}

/**
 * Resolves to all that is told of an event that the journal holds. `generation` says by which configuration it was
 * matched: the `verdicts` are of that one, or, when it is not known any more, of the one that runs (`known`).
 */
export async function historyOf(record: EventRecord, parts: Parts): Promise<object> {
  const tries = record.deliveries.flatMap((delivery) => delivery.tries ?? [])
  const marks = new Set([record, ...tries].flatMap(({ generation }) => generation ?? []))
  const pasts = new Map<number, Past | undefined>()
  for (const mark of marks) pasts.set(mark, await parts.past(mark))
  const functionOf: FunctionOf = (route, to, mark) =>
    mark === undefined ? undefined : pasts.get(mark)?.functionOf(route, to)
  const { verdicts, ...by } = judged(record, pasts.get(record.generation ?? 0), parts)
  const chain = await chainOf(record, parts)
  return {
    ...recordView(record, verdicts, functionOf, parts.standings(record)),
    ...by,
    ...deniedOf(record, parts),
    ...(chain.length > 1 ? { chain } : {}),
  }
}

/** What is told of one that the journal does not hold: when no route took it, what each of them said. */
export async function refusalOf(remembered: Remembered, parts: Parts): Promise<object> {
  const { event, generation, kind, origin } = remembered
  if (kind !== 'unmatched' || event === undefined) return refusalView(remembered)
  const past = generation === undefined ? undefined : await parts.past(generation)
  return { ...refusalView(remembered), ...judged({ event, generation, origin }, past, parts) }
}

function deniedOf({ callId }: Pick<EventRecord, 'callId'>, { refusals }: Pick<Parts, 'refusals'>): object {
  const denied = refusals.denials.of(callId)
  return denied.length === 0 ? {} : { denied }
}

/** In a few words. */
export function sumOf([last]: readonly Remembered[]): string {
  if (last === undefined) return 'nothing is known of it'
  const { at, error, kind } = last
  const when = new Date(at).toISOString()
  if (kind === 'unmatched') return `no route took it at ${when}`
  const what = kind === 'failed' ? 'it was run without the journal and failed' : 'it was refused'
  return `${what} at ${when}: ${error?.code}: ${error?.message}`
}

function judged(
  { event, generation, origin }: Pick<EventRecord, 'event' | 'origin'> & { readonly generation?: number | undefined },
  past: Past | undefined,
  { explain, mark }: Pick<Parts, 'explain' | 'mark'>,
) {
  const verdicts = past ? past.router.explain(event, origin) : explain(event, origin)
  if (generation === undefined) return { verdicts }
  return { verdicts, generation: { number: generation, runs: generation === mark(), known: past !== undefined } }
}
