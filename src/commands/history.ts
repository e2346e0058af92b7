/** The history of an event, and of dead letters, for people. */

import { CALL_EXTENSIONS } from '../event/index.ts'
import { tryLines } from './attempts.ts'
import { chainLines } from './chain.ts'
import { elapsed } from './elapsed.ts'
import type { DeadLetter, EventHistory, LetterGroup } from './records.ts'
import { columns, counted, type Paint, shown } from './terminal.ts'
import { asOf, notTaken } from './verdicts.ts'

type Delivery = EventHistory['deliveries'][number]

/** What it was and when; each delivery and what became of it; why the other routes let it pass. */
export function historyLines(history: EventHistory, paint: Paint, now?: number): readonly string[] {
  const { acceptedAt, callId, chain = [], deliveries, event, generation, origin, verdicts } = history
  const passed = notTaken(verdicts, paint)
  const ago = now === undefined ? '' : ` (${elapsed(now - acceptedAt.getTime())} ago)`
  const lanes = columns(deliveries.map((delivery) => [`  ${lane(delivery)}`, fate(delivery, history, paint, now)]))
  return [
    `${paint('bold', shown(event.type))} ${shown(event.id)} of ${shown(event.source)}${about(event.subject)}`,
    `  came in by ${place(origin)} at ${acceptedAt.toISOString()}${ago}, callId ${shown(callId)}`,
    ...(deliveries.length === 0 ? ['  none of its deliveries is left: dropped, or redriven as a new event'] : []),
    ...deliveries.flatMap(({ tries = [], ...delivery }, at) => [
      lanes[at] ?? '',
      ...tryLines(tries, acceptedAt, paint, errorTold(delivery)),
    ]),
    ...deliveries.flatMap((delivery) => replyLines(delivery, isCall(event))),
    ...deniedLines(history, paint),
    ...(passed.length === 0 ? [] : ['', `routes that let it pass${asOf(generation)}`, ...passed]),
    ...(chain.length < 2 ? [] : ['', 'chain', ...chainLines(chain, event.id, paint)]),
    ...(now === undefined ? [] : nextLines(deliveries)),
  ]
}

/** What its functions asked for and were not given, each with the line that would allow it. */
const deniedLines = ({ denied = [] }: EventHistory, paint: Paint): readonly string[] =>
  denied.map(
    (one) => `  ${shown(one.function)}  ${paint('yellow', 'denied')} ${shown(one.message.replace(/^denied /, ''))}`,
  )

const about = (subject: string | undefined): string => (subject === undefined ? '' : ` about ${shown(subject)}`)
/** `mqtt:orders/eu`, or the source alone. */
export const place = ({ address, source }: EventHistory['origin']): string =>
  shown(address === '' ? source : `${source}:${address}`)
const lane = ({ route, to }: { readonly route: string; readonly to: string }): string => `${route} -> ${to}`

/** What there is to do about the deliveries that were given up on, or that wait for somebody to act. */
function nextLines(deliveries: EventHistory['deliveries']): readonly string[] {
  const dead = deliveries.flatMap(({ id, status }) => (status === 'dead' && id !== undefined ? [id] : []))
  const ids = dead.map((id) => ` --id ${shown(id)}`).join('')
  const redrive = `headgate dead-letters show ${shown(dead[0] ?? '')}; once that is put right: headgate dead-letters redrive${ids}`
  const steps = new Set([
    ...deliveries.flatMap(({ waits }) => waits?.next ?? []),
    ...(dead.length > 0 ? [redrive] : []),
  ])
  return steps.size === 0 ? [] : ['', ...Array.from(steps, (step) => `next: ${step}`)]
}

/** Of what is done after all, the errors of before are not told in its line. */
const errorTold = ({ error, fallback, status }: Omit<Delivery, 'tries'>): Delivery['error'] =>
  status === 'done' && fallback === undefined ? undefined : error

function fate(delivery: Delivery, { acceptedAt, event }: EventHistory, paint: Paint, now?: number): string {
  const answers = delivery.answers && isCall(event)
  const { attempts, error, fallback, note, settledAt, status } = delivery
  const tries = counted(attempts, 'attempt')
  const reason = error === undefined ? '' : `: ${failureText(error)}`
  const after =
    settledAt === undefined ? '' : `, ${elapsed(settledAt.getTime() - acceptedAt.getTime())} after it came in`
  if (note === 'superseded') return paint('dim', 'left out: a later event of the same key took its place')
  if (note === 'repeated') return paint('dim', 'left out: the route had one of the same key a short time before')
  const by = fallback === undefined ? '' : ` by its fallback ${fallback}`
  if (status === 'done')
    return `${paint('green', 'done')}${by} in ${tries}${after}${answers ? '; its reply was sent' : ''}${by && reason}`
  if (status === 'dead')
    return `${paint('red', 'dead')} after ${tries}${after}${answers ? '; the caller was told' : ''}${reason}`
  return pending(delivery, paint, now)
}

/** Of what is not settled: that it runs, or what it waits for, and until when. */
function pending({ attempts, due, error, runsSince, waits }: Delivery, paint: Paint, now?: number): string {
  const tries = counted(attempts, 'attempt')
  const reason = error === undefined ? '' : `: ${failureText(error)}`
  const clock = (time: Date | undefined, word: string): string =>
    time === undefined
      ? ''
      : `, ${word} ${time.toISOString()}${now === undefined ? '' : ` (${until(time.getTime() - now)})`}`
  if (runsSince) {
    const since = now === undefined ? '' : `, for ${elapsed(now - runsSince.getTime())} by now`
    return `${paint('green', 'runs')} attempt ${attempts + 1}${since}${reason && `; the last one failed${reason}`}`
  }
  if (waits && waits.for !== 'retry') {
    const after = attempts === 0 ? '' : ` after ${tries}`
    return `${paint('yellow', 'waits')}${after} for ${shown(waits.what)}${clock(waits.until, 'until')}${reason && `; the last attempt failed${reason}`}`
  }
  return attempts === 0
    ? paint('yellow', `waits${clock(due, 'next at')}`)
    : `${paint('yellow', 'to be tried again')} after ${tries}${clock(due, 'next at')}${reason}`
}

const until = (ms: number): string => (ms > 0 ? `in ${elapsed(ms)}` : 'now')

/** Whether the sender wanted an answer. */
const isCall = (event: EventHistory['event']): boolean =>
  [CALL_EXTENSIONS.callId, CALL_EXTENSIONS.replyTo, CALL_EXTENSIONS.replyForm].some((name) => name in event)

/** What came out of it, which is what the caller got when there was one. */
function replyLines({ answer, answers }: Delivery, call: boolean): readonly string[] {
  if (!answers || answer === undefined) return []
  const { data, data_base64: base64, datacontenttype } = answer
  const name = call ? 'reply' : 'result'
  if (base64 !== undefined) return [`  ${name}: ${datacontenttype ?? 'bytes'} in base64: ${short(base64)}`]
  return data === undefined ? [] : [`  ${name}: ${short(typeof data === 'string' ? data : JSON.stringify(data))}`]
}

const SHORT = 2_000
const short = (text: string): string =>
  shown(text.length > SHORT ? `${text.slice(0, SHORT)}... (--json has all)` : text)

/** `CODE: message`, and the site that groups those alike. */
export const failureText = ({
  code,
  fingerprint,
  message,
}: Pick<DeadLetter['error'], 'code' | 'fingerprint' | 'message'>): string =>
  shown(`${code}: ${message}${fingerprint === undefined ? '' : ` [${fingerprint}]`}`)

/** A line for each dead letter: which, how old, where it was going, and why it did not get there. */
export const deadLetterRows = (letters: readonly DeadLetter[], now: number, paint: Paint): readonly string[] =>
  columns(
    letters.map((letter) => [
      letter.id,
      paint('dim', `${elapsed(now - letter.lastAt.getTime())} ago`),
      lane(letter),
      `${counted(letter.attempts, 'attempt')}, ${failureText(letter.error)}`,
    ]),
  )

/** One dead letter with its whole event. */
export function deadLetterLines(letter: DeadLetter, paint: Paint): readonly string[] {
  const { attempts, callId, error, event, firstAt, lastAt, recording, unrecorded } = letter
  return [
    `${paint('bold', letter.id)} ${lane(letter)}`,
    ...columns([
      ['  error', failureText(error)],
      ...(letter.group === undefined ? [] : [['  group', letter.group]]),
      ['  attempts', `${attempts}, the first failed at ${firstAt.toISOString()}, the last at ${lastAt.toISOString()}`],
      ['  came in by', place(letter.origin)],
      ['  callId', shown(callId)],
      ...(recording ? [['  recorded', recordedText(letter.id, recording)]] : []),
      ...(unrecorded ? [['  recorded', 'nothing: there was no room for it (a quarter of journal.max_size)']] : []),
    ]),
    JSON.stringify(event, null, 2),
  ]
}

/** What can be run again of it. */
function recordedText(id: string, { bytes, cut, earlier, inputs }: NonNullable<DeadLetter['recording']>): string {
  const on = earlier === 0 ? 'a fresh instance' : `an instance that had run ${counted(earlier, 'call')} before`
  const part = cut ? ', and not all of them' : ''
  return `${counted(inputs, 'input')}${part}, ${bytes} bytes, on ${on}; headgate function replay ${id}`
}

/** Two lines for a group: how many, of what, since when; where it broke, and one to look at. */
export function groupLines(group: LetterGroup, now: number, paint: Paint): readonly string[] {
  const { code, count, example, firstAt, lastAt, routes, site, to } = group
  const ago = (time: Date): string => `${elapsed(now - time.getTime())} ago`
  const when = firstAt.getTime() === lastAt.getTime() ? ago(lastAt) : `${ago(firstAt)} to ${ago(lastAt)}`
  return [
    `${paint('bold', group.group)}  ${counted(count, 'dead letter')}  ${routes.map(shown).join(', ')} -> ${shown(to)}  ${shown(code)}  ${when}`,
    paint('dim', `  ${shown(site)}; such as ${example}`),
  ]
}
