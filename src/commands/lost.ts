/** Events that the journal does not hold, as far as the gateway remembers them: why, when, who sent them, what next. */

import { failureText, place } from './history.ts'
import type { LostEvent } from './records.ts'
import { columns, counted, type Paint, shown } from './terminal.ts'
import { asOf, notTaken } from './verdicts.ts'

const WORDS = {
  refused: 'was refused',
  unmatched: 'was accepted, and no route took it',
  failed: 'ran without the journal, and failed',
} as const

/** A paragraph for each. */
export const lostLines = (all: readonly LostEvent[], paint: Paint): readonly string[] =>
  all.flatMap((each, at) => [...(at === 0 ? [] : ['']), ...paragraph(each, paint)])

/** A line for each, for lists. */
export const lostRows = (all: readonly LostEvent[], paint: Paint): readonly string[] =>
  columns(
    all.map(({ at, client, error, event, kind, origin, times }) => [
      at.toISOString(),
      paint(kind === 'unmatched' ? 'yellow' : 'red', kind),
      event ? `${shown(event.type)} ${shown(event.id)}` : 'unread',
      `from ${place(origin)}${client === undefined ? '' : ` by ${shown(client)}`}`,
      `${times > 1 ? `${counted(times, 'time')}${error ? ': ' : ''}` : ''}${error ? failureText(error) : ''}`,
    ]),
  )

function paragraph(lost: LostEvent, paint: Paint): readonly string[] {
  const { at, callId, client, error, event, generation, kind, origin, times, verdicts } = lost
  const name = event
    ? `${paint('bold', shown(event.type))} ${shown(event.id)} of ${shown(event.source)}`
    : paint('bold', 'a message that could not be read')
  const often = times > 1 ? ` (${counted(times, 'time')}, this was the last)` : ''
  const passed = verdicts === undefined ? [] : notTaken(verdicts, paint)
  return [
    `${name} ${paint(kind === 'unmatched' ? 'yellow' : 'red', WORDS[kind])}`,
    `  came in by ${place(origin)}${client === undefined ? '' : `, from ${shown(client)}`} at ${at.toISOString()}${often}`,
    ...(callId === undefined ? [] : [`  callId ${shown(callId)}`]),
    ...(error ? [`  ${failureText(error)}`] : []),
    ...(passed.length === 0 ? [] : ['', `routes that let it pass${asOf(generation)}`, ...passed]),
    '',
    `next: ${next(kind)}`,
  ]
}

function next(kind: LostEvent['kind']): string {
  if (kind === 'unmatched')
    return 'change the clause that is not true, try it with "headgate explain event", send it again'
  if (kind === 'failed')
    return 'the sender was told; say "delivery: durable" on the route to have such events kept and tried again'
  return 'the sender was told, or sends it again; put right what the error says'
}
