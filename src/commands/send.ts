/** `headgate send`: publishes one event. */

import { type Command, Option } from 'commander'
import * as z from 'zod'
import {
  type CloudEvent,
  checkEvent,
  type ExtensionValue,
  formatHttpStructured,
  isJsonType,
  uuidv7,
} from '../event/index.ts'
import { askJson, face } from './client.ts'
import { readEvent } from './event.ts'
import { inputError } from './exit.ts'
import { contentTypeOf, readData, requireJson } from './input.ts'
import { collect, example, httpOption, jsonOption } from './options.ts'
import { paintOut, print, printJson, shown } from './terminal.ts'

interface SendOptions {
  readonly type?: string
  readonly source: string
  readonly id?: string
  readonly subject?: string
  readonly data?: string
  readonly contentType?: string
  readonly extension?: readonly string[]
  readonly http: string
  readonly json?: true
}

export function registerSend(program: Command): void {
  const command = program
    .command('send [event]')
    .description('publish an event: from a JSON file, from standard input (-), or from the options')
    .option('--type <type>', 'what happened, such as order.created')
    .option('--source <uri>', 'where it happened', '/headgate/send')
    .option('--id <id>', 'names the occurrence; sent twice with the same source it counts once (default: a new one)')
    .option('--subject <text>', 'what it happened to')
    .option('-d, --data <text>', 'the data: the text itself, @file, or - for standard input')
    .option(
      '--content-type <type>',
      'media type of the data (default: application/json if it is JSON, else text/plain)',
    )
    .addOption(new Option('-e, --extension <name=value>', 'an extension attribute; may be repeated').argParser(collect))
    .addOption(httpOption())
    .addOption(jsonOption())
    .action(send)
  example(command, `headgate send --type order.created --subject 7 --data '{"amount":3}'`, 'headgate send event.json')
}

const receipt = z.object({
  callId: z.string(),
  duplicate: z.boolean(),
  routes: z.array(z.string()).optional(),
})

async function send(file: string | undefined, options: SendOptions): Promise<void> {
  const at = face(options.http, '--http')
  const event = file === undefined ? await fromOptions(options) : await readEvent(file)
  const { headers, body = new Uint8Array() } = formatHttpStructured(event)
  const got = receipt.parse(await askJson(at, { method: 'POST', path: '/events', headers, body }))
  if (options.json) printJson({ id: event.id, source: event.source, ...got })
  else print(...receiptLines(event, got))
}

function receiptLines(event: CloudEvent, { callId, duplicate, routes }: z.output<typeof receipt>): readonly string[] {
  const next = paintOut('dim', `headgate why ${callId}`)
  if (duplicate) return [`event ${shown(event.id)} was held already, nothing new runs; its history: ${next}`]
  if (routes?.length === 0) return [`event ${shown(event.id)} accepted; no route takes it`]
  const takers = routes === undefined ? '' : ` for ${routes.join(', ')}`
  return [`event ${shown(event.id)} accepted${takers}; what became of it: ${next}`]
}

async function fromOptions(options: SendOptions): Promise<CloudEvent> {
  const { contentType, data, extension, id = uuidv7(), source, subject, type } = options
  if (type === undefined) throw inputError('sending: no event; give --type, or a file with the event')
  const bytes = data === undefined ? undefined : await readData(data)
  const event: CloudEvent = {
    specversion: '1.0',
    id,
    source,
    type,
    time: new Date().toISOString(),
    ...(subject === undefined ? {} : { subject }),
    ...(extension === undefined ? {} : { extensions: extensionsOf(extension) }),
    ...(bytes === undefined ? {} : { data: bytes, datacontenttype: contentType ?? contentTypeOf(bytes) }),
  }
  if (bytes && isJsonType(event.datacontenttype)) requireJson(bytes)
  return checkEvent(event, 'sending')
}

function extensionsOf(pairs: readonly string[]): Readonly<Record<string, ExtensionValue>> {
  const entries = pairs.map((pair): [string, string] => {
    const at = pair.indexOf('=')
    if (at < 1) throw inputError(`--extension: "${pair}" is not name=value`)
    return [pair.slice(0, at), pair.slice(at + 1)]
  })
  return Object.fromEntries(entries)
}
