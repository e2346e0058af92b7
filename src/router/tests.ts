/** Options of a test in the configuration: what comes in, what its targets do, and what must have become of it. */

import * as z from 'zod'
import { ERRORS, type ErrorCode } from '../errors.ts'
import { duration, nearest } from '../schema/index.ts'

const TYPES = ['ValidationError', 'BusinessLogicError', 'SystemError', 'TimeoutError']
/** What a target may fail with. The other codes are those of the gateway itself. */
const CODES = Object.keys(ERRORS).filter((code) => /^(FUNCTION|SINK)_|^(OVERLOADED|INTERNAL)$/.test(code))

const wrong = (input: string, message: string) => ({ code: 'custom' as const, input, message })

/** A code of ours, an error type, or a function's own code. */
const failure = z.string().check(({ value, issues }) => {
  if (TYPES.includes(value) || CODES.includes(value)) return
  if (Object.hasOwn(ERRORS, value))
    issues.push(wrong(value, `"${value}" is an error of the gateway, not of a target; there are ${CODES.join(', ')}`))
  else if (!/^[A-Za-z][A-Za-z0-9_.-]*$/.test(value))
    issues.push(wrong(value, `"${value}" is no way to fail; write always, first 2, or an error code or type`))
  else {
    const close = nearest(value, [...CODES, ...TYPES, 'always'])
    if (close) issues.push(wrong(value, `"${value}" is no error code or type; did you mean "${close}"?`))
  }
})

/** What a caller is told: a code of ours, an error type, or a function's own code. */
const replied = z.string().check(({ value, issues }) => {
  if (TYPES.includes(value) || Object.hasOwn(ERRORS, value)) return
  const close = nearest(value, [...Object.keys(ERRORS), ...TYPES])
  if (close) issues.push(wrong(value, `"${value}" is no error code or type; did you mean "${close}"?`))
  else if (!/^[A-Za-z][A-Za-z0-9_.-]*$/.test(value))
    issues.push(wrong(value, `"${value}" is no error; write a code such as ORDER_INVALID, or a type`))
})

const failText = z.string().check(({ value, issues }) => {
  if (value === 'always' || FIRST.test(value)) return
  const read = failure.safeParse(value)
  if (!read.success) issues.push(wrong(value, read.error.issues[0]?.message ?? ''))
})
const FIRST = /^first (\d{1,4})$/

const count = z.int().min(0).max(100_000)
const name = z.string().min(1)
const names = z.union([name, z.array(name).min(1)])

const failOptions = z.strictObject({
  first: z.int().min(1).max(9_999).optional().describe('Attempts of each delivery that fail; all of them if absent.'),
  with: failure
    .optional()
    .describe('The error code or type, or a code of the function; one that is tried again if absent.'),
  at: names.optional().describe('The targets that fail; all of the route if absent.'),
})

const attribute = z.union([z.string(), z.number(), z.boolean()])

const event = z
  .object({
    id: z.string().optional().describe('`test-1` and so on if absent.'),
    source: z.string().optional().describe('`/headgate/check` if absent.'),
    type: z.string().default('headgate.test').describe('The type.'),
    subject: z.string().optional().describe('The subject.'),
    time: z.string().optional().describe('The virtual time if absent.'),
    datacontenttype: z.string().optional().describe('`application/json` if absent and there is `data`.'),
    dataschema: z.string().optional().describe('The schema of the data.'),
    data: z.json().optional().describe('Any value; it becomes JSON.'),
  })
  .catchall(attribute)

const publish = z.strictObject({
  topic: name.describe('The topic.'),
  payload: z.json().optional().describe('Text as it stands; anything else as JSON.'),
  qos: z
    .union([z.literal(0), z.literal(1), z.literal(2)])
    .default(1)
    .describe('With 0 the event is taken at most once, as from any client.'),
  retain: z.boolean().default(false).describe('Whether the message is to be kept.'),
  properties: z.record(z.string(), z.string()).optional().describe('User properties of MQTT 5.'),
  content_type: z.string().optional().describe('Content Type of MQTT 5.'),
  response_topic: z.string().optional().describe('Response Topic of MQTT 5: the publish is a call.'),
})

const http = z.strictObject({
  method: z
    .string()
    .regex(/^[A-Z]+$/, { error: ({ input }) => `"${input}" is no method; write it in capital letters` })
    .default('POST')
    .describe('The method.'),
  path: z.string().startsWith('/').describe('The path, with what stands after `?`.'),
  body: z.json().optional().describe('Text as it stands; anything else as JSON.'),
  headers: z.record(z.string(), z.string()).default({}).describe('Headers.'),
})

const repeat = z.strictObject({
  times: z.int().min(1).max(10_000).describe('How often.'),
  every: duration().prefault('0s').describe('How far apart.'),
})

/** What a test may say, but for the route it belongs to. */
const options = {
  name: name.optional().describe('What the test is called when it does not pass.'),
  event: z
    .union([event, z.array(event).min(1).max(1_000)])
    .optional()
    .describe('What comes in: an event, or several, one after the other. What an event must have is made up.'),
  publish: publish.optional().describe('What comes in: a publish of an MQTT client.'),
  http: http.optional().describe('What comes in: an HTTP request, whose caller waits for the reply.'),
  tick: name
    .optional()
    .describe('What comes in: the next tick of a cron source; with `after`, all of its ticks until then.'),
  from: name
    .optional()
    .describe(
      'Where an `event` comes in: `mqtt:<topic>`, `http:<METHOD> <path>`, `function:<name>` or a source; the first `from` of the route if absent.',
    ),
  at: z.iso
    .datetime({ offset: true, error: ({ input }) => `"${input}" is not a time, such as 2026-03-29T00:30:00Z` })
    .default('2026-01-01T00:00:00Z')
    .describe('The virtual time at which the test begins.'),
  repeat: z
    .union([z.int().min(1).max(10_000), repeat])
    .default(1)
    .describe('How often it comes in: a number, or the options below. An id that is made up is another each time.'),
  fail: z
    .union([failText, failOptions])
    .optional()
    .describe(
      'How the targets of the route fail: `always`, `first <n>` attempts of each delivery, an error code or type, or the options below. Without it they succeed. What a dead letter goes to never fails.',
    ),
  after: duration()
    .optional()
    .describe('The virtual time at which it is looked at, counted from the beginning; once all is settled if absent.'),
  to: names
    .optional()
    .describe(
      'Expected: the targets that have got it, these and no others; `none` when nothing has been sent anywhere.',
    ),
  reply: z
    .json()
    .optional()
    .describe('Expected: the last reply, compared as JSON where it is JSON. The functions are really run then.'),
  error: replied
    .optional()
    .describe(
      'Expected: the last reply is this error: a code, of the gateway or of the function, or a type such as ValidationError. Without `fail` the functions are really run.',
    ),
  times: count
    .optional()
    .describe('Expected: attempts in all, a batch being one; copies of dead letters are not counted.'),
  count: count.optional().describe('Expected: deliveries that succeeded, copies of dead letters not counted.'),
}

type Given = {
  readonly [K in (typeof COMING)[number] | (typeof EXPECTED)[number]]?: unknown
}

const COMING = ['event', 'publish', 'http', 'tick'] as const
const EXPECTED = ['to', 'reply', 'error', 'times', 'count'] as const

/** One thing comes in, and something is expected. */
function sense(given: Given): string | undefined {
  const coming = COMING.filter((key) => given[key] !== undefined)
  if (coming.length === 0) return 'nothing comes in; write "event", "publish", "http" or "tick"'
  if (coming.length > 1) return `${coming.join(' and ')} are one too many; a test has one of them`
  if (given.reply !== undefined && given.error !== undefined)
    return 'reply and error are one too many; a call has one answer'
  const expected = EXPECTED.some((key) => given[key] !== undefined)
  return expected ? undefined : 'nothing is expected; write "to", "reply", "error", "times" or "count"'
}

const sound = (context: { readonly value: Given; readonly issues: unknown[] }): void => {
  const message = sense(context.value)
  if (message !== undefined) context.issues.push({ code: 'custom', input: context.value, message })
}

/** A test under a route. */
export const testConfig = z.strictObject(options).check(sound)

/** A test in a file beside the configuration. */
const fileTest = z
  .strictObject({
    ...options,
    route: name.optional().describe('The route whose deliveries are looked at; those of all routes if absent.'),
  })
  .check(sound)

/** A file of tests: a list, or a list under `tests`. */
export const testFile = z.union([z.array(fileTest), z.strictObject({ tests: z.array(fileTest) })])

export type TestConfig = z.output<typeof testConfig>
export type FileTestConfig = z.output<typeof fileTest>
export type TestEvent = z.output<typeof event>

/** How targets fail, in the long form. */
export interface Failing {
  /** Attempts of each delivery. */
  readonly first: number
  readonly with?: ErrorCode | (string & {})
  readonly at?: readonly string[]
}

/** Reads `fail` in either form. */
export function readFail(given: TestConfig['fail']): Failing | undefined {
  if (given === undefined) return undefined
  if (typeof given === 'object') {
    const { at, first = Number.POSITIVE_INFINITY, with: code } = given
    return { first, ...(code === undefined ? {} : { with: code }), ...(at === undefined ? {} : { at: [at].flat() }) }
  }
  if (given === 'always') return { first: Number.POSITIVE_INFINITY }
  const [, first] = FIRST.exec(given) ?? []
  return first === undefined ? { first: Number.POSITIVE_INFINITY, with: given } : { first: Number(first) }
}

/** Those that are options in themselves, by name, for the reference. */
export const TEST_SECTIONS = { event, repeat, fail: failOptions }
