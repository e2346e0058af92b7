/** `headgate call`: calls a function by its name and prints the reply. */

import { type Command, Option } from 'commander'
import { type Answer, ask, face, type Question, refusal } from './client.ts'
import { readData, requireJson } from './input.ts'
import { durationArgument, example, httpOption, jsonOption } from './options.ts'
import { printJson } from './terminal.ts'

interface CallOptions {
  readonly data?: string
  readonly timeout?: number
  readonly http: string
  readonly json?: true
}

export function registerCall(program: Command): void {
  const command = program
    .command('call <function>')
    .description('call a function and print its reply')
    .option('-d, --data <json>', 'its parameters: the JSON itself, @file, or - for standard input')
    .addOption(new Option('--timeout <duration>', 'how long to wait for the reply').argParser(durationArgument))
    .addOption(httpOption())
    .addOption(jsonOption())
    .action(call)
  example(
    command,
    `headgate call echo --data '{"hello":"world"}'`,
    'headgate call summary --data @order.json --timeout 5s',
  )
}

async function call(name: string, { data, timeout, http, json }: CallOptions): Promise<void> {
  const at = face(http, '--http')
  const body = data === undefined ? undefined : requireJson(await readData(data))
  const question: Question = {
    method: 'POST',
    path: `/call/${encodeURIComponent(name)}`,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(timeout === undefined ? {} : { prefer: `wait=${Math.max(1, Math.ceil(timeout / 1_000))}` }),
    },
    ...(body === undefined ? {} : { body }),
  }
  const answer = await ask(at, question)
  if (answer.headers['content-type']?.startsWith('application/problem+json') || isForeign(answer))
    throw refusal(at, question, answer.status, answer.body.toString())
  if (json) printJson({ callId: answer.headers[CALL_ID], status: answer.status, ...bodyOf(answer) })
  else writeBody(answer.body)
}

const CALL_ID = 'headgate-call-id'

/** A gateway names the call in its answer, whatever status the function chose. */
const isForeign = ({ headers, status }: Answer): boolean => status >= 400 && headers[CALL_ID] === undefined

function bodyOf({ body, headers }: Answer): Readonly<Record<string, unknown>> {
  const contentType = headers['content-type']
  const type = { contentType }
  if (body.length === 0) return type
  if (contentType !== undefined && /[/+]json\b/i.test(contentType)) {
    try {
      return { ...type, body: JSON.parse(body.toString()) as unknown }
    } catch {
      return { ...type, body: body.toString() }
    }
  }
  return contentType?.startsWith('text/')
    ? { ...type, body: body.toString() }
    : { ...type, bodyBase64: body.toString('base64') }
}

/** Byte for byte when it goes to a file or a pipe; on a terminal the prompt gets a line of its own. */
function writeBody(body: Buffer): void {
  process.stdout.write(body)
  if (process.stdout.isTTY && body.length > 0 && body.at(-1) !== 0x0a) process.stdout.write('\n')
}
