/** A process of transforms: evaluates what it is sent, one after the other. The gateway may end it at any time. */

import { Worker } from 'node:worker_threads'
import jsonata from 'jsonata'
import type { CloudEvent } from '../event/event.ts'
import {
  type Form,
  formOf,
  type MadeBody,
  type MadeEvent,
  makeEvent,
  makeReply,
  readBody,
  Unusable,
} from './transform-forms.ts'

/** What the process is sent. */
export interface Asked {
  readonly expression: string
  readonly event: CloudEvent
  /** Given: the answer to make another of. */
  readonly reply?: { readonly data?: Uint8Array; readonly datacontenttype?: string }
  /** Milliseconds since the epoch, for `$now()` and `$millis()`. */
  readonly now: number
  /** Of the result. */
  readonly maxBytes: number
}

/** What is wrong with an evaluation. */
export interface Trouble {
  readonly message: string
  /** JSONata's own, with the place in the expression. */
  readonly code?: string
  readonly position?: number
  readonly late?: true
}

/** What the process sends: once that it is ready, and then for each that it was sent. */
export type Told = 'ready' | { readonly made: MadeBody | MadeEvent } | { readonly trouble: Trouble }

/** JSONata counts these itself, wherever it comes by: what it cannot count is ended with the process. */
const LIMITS = { timeout: 0.8 * Number(process.argv[1]), stack: 5_000, sequence: 1_000_000 }
const OVERTIME = 'D1012'
/** Expressions that stay compiled. */
const KEPT = 512

const compiled = new Map<string, jsonata.Expression>()

function compile(text: string): jsonata.Expression {
  let expression = compiled.get(text)
  if (expression) return expression
  expression = jsonata(text, LIMITS)
  const [oldest] = compiled.keys()
  if (compiled.size >= KEPT && oldest !== undefined) compiled.delete(oldest)
  compiled.set(text, expression)
  return expression
}

const FORMATTED = jsonata('$fromMillis(at, picture, zone)')

/** The clock is that of the gateway, so that a test on a clock of its own sees the time of that. */
const clock = (now: number) => ({
  millis: () => now,
  now: (picture?: string, zone?: string) => FORMATTED.evaluate({ at: now, picture, zone }),
})

async function evaluate({ event, expression, maxBytes, now, reply }: Asked): Promise<MadeBody | MadeEvent> {
  const program = compile(expression)
  const form = reply === undefined || expression.includes('$event') ? formOf(event) : undefined
  if (reply === undefined) return bounded(makeEvent(await program.evaluate(form, clock(now)), form ?? {}), maxBytes)
  const { data: _, extensions, datacontenttype: __, ...attributes } = event
  const { datacontenttype } = reply
  const seen: Form = {
    ...attributes,
    ...extensions,
    ...(datacontenttype === undefined ? {} : { datacontenttype }),
    ...readBody(reply.data, datacontenttype),
  }
  const bound = form === undefined ? clock(now) : { ...clock(now), event: form }
  return bounded(makeReply(await program.evaluate(seen, bound), seen, datacontenttype), maxBytes)
}

function bounded<T extends MadeBody>(made: T, maxBytes: number): T {
  const bytes = (made.data?.length ?? 0) + ('attributes' in made ? String(made.attributes).length : 0)
  if (bytes > maxBytes) throw new Unusable(`its result has ${bytes} bytes; at most ${maxBytes} are taken`)
  return made
}

/** JSONata throws records, and the engine errors of its own, such as that of a stack that is full. */
function troubleOf(thrown: unknown): Trouble {
  if (thrown instanceof Unusable) return { message: thrown.message }
  if (thrown instanceof RangeError) return { message: `it is more than can be computed: ${lower(thrown.message)}` }
  const { code, message, position } = thrown as { code?: unknown; message?: unknown; position?: unknown }
  return {
    message: lower(String(message ?? thrown)),
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof position === 'number' ? { position } : {}),
    ...(code === OVERTIME ? { late: true } : {}),
  }
}

const lower = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1, 500)

const tell = (told: Told): void => void process.send?.(told)

process.on('message', (asked: Asked) => {
  evaluate(asked).then(
    (made) => tell({ made }),
    (thrown: unknown) => tell({ trouble: troubleOf(thrown) }),
  )
})
// They are for the gateway, which ends this process when it has settled what it can.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
// A gateway that was killed ends nothing: what hangs in a pattern then would do so for ever.
new Worker(
  `const { ppid } = process; setInterval(() => { if (process.ppid !== ppid) process.kill(process.pid, 'SIGKILL') }, 1000)`,
  { eval: true, env: {}, execArgv: [] },
).unref()
tell('ready')
