/** Compares what a test expects with what became of its events. Pure. */

import { isDeepStrictEqual } from 'node:util'
import type { ConfigTest } from '../config/index.ts'
import { expandTemplate } from '../event/index.ts'
import type { Reply } from '../reply/reply.ts'
import type { Target } from '../router/route.ts'
import type { Settled } from './stage.ts'
import type { Tried } from './targets.ts'

/** One thing that is not as it was expected, in words. */
export interface Difference {
  readonly what: 'to' | 'reply' | 'error' | 'times' | 'count' | 'run'
  readonly expected: string
  readonly got: string
}

export interface Seen {
  /** Of the deliveries that the test is about. */
  readonly settled: readonly Settled[]
  /** Invocations of targets. */
  readonly tried: readonly Tried[]
  readonly replies: readonly Reply[]
  /** By the text with which routes name them. */
  readonly targets: ReadonlyMap<string, Target>
}

const COPY = 'dead_letter: '

/** Returns each expectation that does not hold. */
export function differences(test: ConfigTest, { replies, settled, targets, tried }: Seen): readonly Difference[] {
  const made = settled.filter(({ outcome, to }) => outcome === 'done' && !to.startsWith(COPY))
  return [
    targetsDiffer(test.to, settled, { targets, tried }),
    number('times', test.times, tried.length),
    number('count', test.count, made.length),
    test.reply === undefined ? undefined : replyDiffers(test.reply, replies.at(-1)),
    test.error === undefined ? undefined : errorDiffers(test.error, replies.at(-1)),
  ].filter((each) => each !== undefined)
}

function number(what: 'times' | 'count', expected: number | undefined, got: number): Difference | undefined {
  if (expected === undefined || expected === got) return undefined
  return { what, expected: String(expected), got: String(got) }
}

function targetsDiffer(
  expected: readonly string[] | undefined,
  settled: readonly Settled[],
  seen: Pick<Seen, 'targets' | 'tried'>,
): Difference | undefined {
  if (expected === undefined) return undefined
  const done = settled.filter(({ outcome }) => outcome === 'done')
  const got = done.map((one) => namesOf(one, seen))
  const missing = expected.some((name) => !got.some((names) => names.includes(name)))
  const more = got.some((names) => !names.some((name) => expected.includes(name)))
  // Nothing expected means that nothing was so much as tried.
  if (!missing && !more && (expected.length > 0 || settled.length === 0)) return undefined
  return { what: 'to', expected: expected.join(', ') || 'none', got: gotText(got, settled) }
}

/** The target as it is written, a function without its version, and the topic that it came to. */
function namesOf(
  { callId, event, fallback, to }: Settled,
  { targets, tried }: Pick<Seen, 'targets' | 'tried'>,
): readonly string[] {
  const text = fallback ?? (to.startsWith(COPY) ? to.slice(COPY.length) : to)
  const target = targets.get(text)
  if (target?.kind === 'function') return [target.name, text]
  if (target?.kind !== 'mqtt') return [text]
  const topic = target.topic.includes('{')
    ? tried.findLast((one) => one.callId === callId && one.to === text)?.topic
    : undefined
  return [text, topic ?? `mqtt:${expandTemplate(target.topic, event)}`]
}

function gotText(got: readonly (readonly string[])[], settled: readonly Settled[]): string {
  if (got.length > 0) return [...new Set(got.map((names) => names.at(-1)))].join(', ')
  const last = settled.at(-1)
  if (last?.error === undefined) return 'none'
  const tries = settled.length === 1 ? 'one attempt' : `${settled.length} attempts`
  return `none; ${tries}, the last at ${last.to}: ${last.error.code}`
}

function replyDiffers(expected: unknown, reply: Reply | undefined): Difference | undefined {
  if (reply?.status === 'ok' && same(expected, reply.data)) return undefined
  return { what: 'reply', expected: JSON.stringify(expected), got: replyText(reply) }
}

/** By the code that the caller is told, which may be the function's own, or by the type. */
function errorDiffers(expected: string, reply: Reply | undefined): Difference | undefined {
  if (reply?.error && [reply.error.code, reply.error.type].includes(expected)) return undefined
  return { what: 'error', expected, got: reply?.status === 'ok' ? `the reply ${replyText(reply)}` : replyText(reply) }
}

function same(expected: unknown, data: Uint8Array | undefined): boolean {
  const text = data === undefined ? '' : Buffer.from(data).toString()
  return text === expected || isDeepStrictEqual(parsed(text), expected)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function replyText(reply: Reply | undefined): string {
  if (reply === undefined) return 'no reply'
  if (reply.error) return `${reply.error.type} ${reply.error.code}: ${reply.error.message}`
  return reply.data === undefined ? 'a reply without a body' : short(Buffer.from(reply.data).toString())
}

const short = (text: string): string => (text.length > 500 ? `${text.slice(0, 500)}...` : text)
