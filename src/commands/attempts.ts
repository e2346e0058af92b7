/** The attempts of a delivery, a line each: when, how it ended, where its time went, and who ran it. */

import { elapsed } from './elapsed.ts'
import type { EventHistory } from './records.ts'
import { columns, type Paint, shown } from './terminal.ts'

export type Try = NonNullable<EventHistory['deliveries'][number]['tries']>[number]

/** Shown of many: the first, and the last of them. */
const FIRST = 1
const LAST = 5

/** `since` is when the event was accepted: each line begins with the time that had gone by. `told` is said above. */
export function tryLines(tries: readonly Try[], since: Date, paint: Paint, told?: Told): readonly string[] {
  const left = tries.length - FIRST - LAST
  const some = left > 0 ? [...tries.slice(0, FIRST), ...tries.slice(-LAST)] : tries
  const lines = columns(some.map((each) => row(each, tries[tries.indexOf(each) - 1], since, paint, told)))
  if (left <= 0) return lines
  return [lines[0] ?? '', paint('dim', `    ... ${left} more, which --json has`), ...lines.slice(FIRST)]
}

function row(each: Try, before: Try | undefined, since: Date, paint: Paint, told: Told): readonly string[] {
  const { attempt, error, startedAt, tookMs, unanswered } = each
  const offset = `    +${elapsed(startedAt.getTime() - since.getTime())}`
  const redriven = before !== undefined && attempt <= before.attempt ? 'redriven, ' : ''
  const end = error === undefined ? paint('green', 'succeeded') : paint('red', 'failed')
  const where = detail(each, before)
  const said = [...(where === '' ? [] : [paint('dim', where)]), ...(error ? [reason(each, before, told)] : [])]
  const lost = unanswered === true ? `; ${paint('yellow', 'its reply could not be published')}` : ''
  return [offset, `${redriven}attempt ${attempt}`, end, `in ${elapsed(tookMs)}`, `${said.join(': ')}${lost}`]
}

/** The error that the delivery ended with, and the same again, are not said again. */
function reason({ error }: Try, before: Try | undefined, told: Told): string {
  if (error === undefined) return ''
  const { code, message } = error
  if (told?.code === code && told.message.startsWith(message)) return `${code}, as above`
  if (before?.error?.code === code && before.error.message === message) return `${code}, as before`
  return shown(`${code}: ${message}`)
}

type Told = EventHistory['deliveries'][number]['error']

/** `waited 1 s, queued 0.4 ms, ran 0.02 ms, worker 3, resize@2 (a1b2c3d4e5f6), made an instance first`. */
function detail(
  { cold, function: name, queueMs, runMs, sha256, waitMs, worker }: Try,
  before: Try | undefined,
): string {
  const made = name === undefined ? [] : [`${shown(name)}${sha256 ? ` (${sha256.slice(0, 12)})` : ''}`]
  return [
    // The first began when its line says, after the event was accepted.
    ...(before ? [`waited ${elapsed(waitMs)}`] : []),
    ...(queueMs === undefined ? [] : [`queued ${elapsed(queueMs)}`]),
    ...(runMs === undefined ? [] : [`ran ${elapsed(runMs)}`]),
    ...(worker === undefined ? [] : [`worker ${worker}`]),
    ...made,
    ...(cold ? ['its instance was made for it'] : []),
  ].join(', ')
}
