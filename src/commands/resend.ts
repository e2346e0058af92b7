/** `headgate dead-letters resend`: sends a dead letter again with other data, and keeps it as it is. */

import type { Command } from 'commander'
import * as z from 'zod'
import { readData } from './input.ts'
import { type Common, control, post } from './letters.ts'
import { example } from './options.ts'
import { paintOut, print, printJson, shown } from './terminal.ts'

interface ResendOptions extends Common {
  readonly data: string
  readonly contentType?: string
  readonly to?: string
}

export function registerResend(group: Command): Command {
  const command = group
    .command('resend <id>')
    .description('send one with other data, as a new event that names it as its cause; the dead letter stays')
    .requiredOption('-d, --data <text>', 'the data: the text itself, @file, or - for standard input')
    .option('--content-type <type>', 'media type of the data (default: that of the event)')
    .option('--to <target>', 'another target of its route, such as resize@3')
    .action(resend)
  return example(command, `headgate dead-letters resend 1f-0 --data '{"amount":3}'`)
}

const sent = z.object({ id: z.string(), callId: z.string(), eventId: z.string() })

async function resend(id: string, options: ResendOptions): Promise<void> {
  const data = (await readData(options.data)).toString('base64')
  const { contentType, to } = options
  const got = await post(control(options), '/admin/dead-letters/resend', { id, data, contentType, to }, sent)
  if (options.json) return printJson(got)
  const next = paintOut('dim', `headgate why ${got.callId}`)
  print(`sent as event ${shown(got.eventId)}; what became of it: ${next}`)
  print(`the dead letter stays: headgate dead-letters drop --id ${id} --yes`)
}
