/** The attempts of a delivery, a line each: when, how it ended, where its time went, and who ran it. */

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
  const offset = `    +${short(startedAt.getTime() - since.getTime())}`
  const redriven = before !== undefined && attempt <= before.attempt ? 'redriven, ' : ''
  const end = error === undefined ? paint('green', 'succeeded') : paint('red', 'failed')
  const said = error === undefined ? '' : `: ${reason(each, before, told)}`
  const lost = unanswered === true ? `; ${paint('yellow', 'its reply could not be published')}` : ''
  return [
    offset,
    `${redriven}attempt ${attempt}`,
    end,
    `in ${short(tookMs)}`,
    `${paint('dim', detail(each, before))}${said}${lost}`,
  ]
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
    ...(before ? [`waited ${short(waitMs)}`] : []),
    ...(queueMs === undefined ? [] : [`queued ${short(queueMs)}`]),
    ...(runMs === undefined ? [] : [`ran ${short(runMs)}`]),
    ...(worker === undefined ? [] : [`worker ${worker}`]),
    ...made,
    ...(cold ? ['its instance was made for it'] : []),
  ].join(', ')
}

/** `0.02 ms`, `12 ms`, `3.4 s`, `5 min`: what is short is told to two digits. */
export function short(ms: number): string {
  if (ms < 10) return `${Number(ms.toPrecision(2))} ms`
  const steps = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ] as const
  const [unit, size] = steps.find(([, size]) => ms >= size) ?? ['ms', 1]
  const value = ms / size
  return `${value < 10 ? Math.round(value * 10) / 10 : Math.round(value)} ${unit}`
}
