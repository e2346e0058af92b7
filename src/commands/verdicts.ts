/** What each route says of an event, for people. */

import type { Origin } from '../event/index.ts'
import type { Verdict } from '../router/router.ts'
import type { EventHistory } from './records.ts'
import { columns, type Paint, shown } from './terminal.ts'

/** Routes that nobody wrote (`call/<function>`) are shown when they take an event, and are noise when they do not. */
const isWorthALine = ({ route, takes }: Verdict): boolean => takes || !route.startsWith('call/')

/** A first line that sums up, then a line for each route. */
export function verdictLines(verdicts: readonly Verdict[], origin: Origin, paint: Paint): readonly string[] {
  const takers = verdicts.filter(({ takes }) => takes).map(({ route }) => route)
  const from = `${origin.source}${origin.address === '' ? '' : `:${origin.address}`}`
  const sum = takers.length === 0 ? 'no route takes it' : `goes to ${takers.join(', ')}`
  return [
    `from ${shown(from)}: ${sum}`,
    ...columns(verdicts.filter(isWorthALine).map((verdict) => row(verdict, paint))),
  ]
}

/** A line for each route that does not take it; one for all that take nothing from where it came, when there are many. */
export function notTaken(verdicts: readonly Verdict[], paint: Paint): readonly string[] {
  const passed = verdicts.filter((verdict) => !verdict.takes && isWorthALine(verdict))
  const elsewhere = passed.filter(({ clause }) => clause === 'from').length
  const near = elsewhere > FEW ? passed.filter(({ clause }) => clause !== 'from') : passed
  const rows = near.map((verdict) => row(verdict, paint))
  const others = `${elsewhere}${near.length > 0 ? ' others' : ' routes'}`
  return columns(elsewhere > FEW ? [...rows, [`  ${paint('red', 'no')}`, others, 'take nothing from there']] : rows)
}

/** So many are told by name. */
const FEW = 3

/** Says which configuration the verdicts are of. */
export function asOf(generation: EventHistory['generation']): string {
  if (generation === undefined) return ', as they stand now'
  if (!generation.known)
    return `, as they stand now: configuration ${generation.number}, of its time, is not known any more`
  return generation.runs ? '' : `, as they stood then (configuration ${generation.number}, which runs no more)`
}

function row({ by, clause, route, saw, takes, to }: Verdict, paint: Paint): readonly string[] {
  if (takes) {
    const chosen = to === undefined ? '' : `to ${to}${paint('dim', `, chosen by ${shown(by ?? '')}`)}`
    return [`  ${paint('green', 'yes')}`, route, chosen]
  }
  if (clause === 'default')
    return [`  ${paint('red', 'no')}`, route, `is a default: ${saw ?? 'another route'} takes it`]
  const why = clause === 'from' ? 'does not take from there' : `${clause ?? 'when'} is not true`
  const values = saw === undefined || saw === '' || clause === 'from' ? '' : paint('dim', `; it saw ${shown(saw)}`)
  return [`  ${paint('red', 'no')}`, route, `${why}${values}`]
}
