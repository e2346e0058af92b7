/** `headgate why`: what happened to an event or a call, or why it is not there. */

import type { Command } from 'commander'
import * as z from 'zod'
import { type Answer, ask, askJson, type Face, face, refusal } from './client.ts'
import { inputError } from './exit.ts'
import { historyLines } from './history.ts'
import { lostLines, lostRows } from './lost.ts'
import { adminOption, example, jsonOption } from './options.ts'
import { eventHistory, lostEvent } from './records.ts'
import { complain, paintErr, paintOut, print, printJson } from './terminal.ts'

interface Options {
  readonly admin: string
  readonly refused?: true
  readonly json?: true
}

export function registerWhy(program: Command): void {
  const command = program
    .command('why [id]')
    .description(
      'say what happened to an event, by its id or callId, or that of a dead letter: routes, attempts, errors, reply, chain; or why it is not held',
    )
    .option(
      '--refused',
      'list what was refused, or taken by no route, of late: all, or by id, callId, client or address',
    )
    .addOption(adminOption())
    .addOption(jsonOption())
    .action(why)
  example(command, 'headgate why 019c2f9e-6a52-7cc1-b8a1-2f6f6a4d1c00', 'headgate why --refused orders/eu')
}

async function why(id: string | undefined, options: Options): Promise<void> {
  const at = face(options.admin, '--admin')
  if (options.refused) return listRefused(at, id, options)
  if (id === undefined) throw inputError('why: name an event by its id or callId, or say --refused')
  const question = { method: 'GET', path: `/admin/events/${encodeURIComponent(id)}` }
  const answer = await ask(at, question)
  const lost = answer.status === 404 ? lostOf(answer) : undefined
  if (answer.status >= 300 && lost === undefined) throw refusal(at, question, answer.status, answer.body.toString())
  const found: unknown = JSON.parse(answer.body.toString())
  if (options.json) return printJson(found)
  if (lost) return print(...lostLines(lost, paintOut))
  print(...historyLines(eventHistory.parse(found), paintOut, Date.now()))
}

const refusedAnswer = z.object({ refused: z.array(lostEvent).min(1) })

/** What the gateway remembers of an event that its journal does not hold; undefined when that is nothing. */
function lostOf({ body }: Answer): z.output<typeof refusedAnswer>['refused'] | undefined {
  try {
    return refusedAnswer.safeParse(JSON.parse(body.toString())).data?.refused
  } catch {
    return undefined
  }
}

const refusedList = z.object({ items: z.array(lostEvent), more: z.boolean() })

async function listRefused(at: Face, about: string | undefined, { json }: Options): Promise<void> {
  const query = about === undefined ? '' : `?${new URLSearchParams({ about })}`
  const found = await askJson(at, { method: 'GET', path: `/admin/refused${query}` })
  if (json) return printJson(found)
  const { items, more } = refusedList.parse(found)
  if (items.length === 0) return print('nothing was refused of late, and some route took everything')
  print(...lostRows(items, paintOut))
  if (more) complain(paintErr('dim', 'there are more; name an id, a callId, a client or an address'))
}
