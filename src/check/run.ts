/** Runs the tests of a configuration, one after the other, and tells what is not as they expect. */

import type { ConfigTest } from '../config/index.ts'
import { hops } from '../delivery/chain.ts'
import type { GatewayError } from '../errors.ts'
import { type Difference, differences } from './expect.ts'
import { histories } from './history.ts'
import { type SenderParts, senderOf, startTicks } from './senders.ts'
import { type Arrived, allTargets, type Scene, Stage } from './stage.ts'

/** What came of one test. */
export interface TestResult {
  readonly name: string
  readonly route?: string
  readonly file: string
  readonly line: number
  readonly column: number
  readonly passed: boolean
  readonly differences: readonly Difference[]
  /** Of a test that did not pass: why events were not accepted. */
  readonly refused: readonly string[]
  /** Of a test that did not pass: its first events, as `GET /admin/events/<id>` gives them. */
  readonly events: readonly object[]
}

/** A test that has not settled after so many things that happened never will. */
const MOST_STEPS = 200_000
/** Nor is there another tick after so many looks at the schedule: a year of minutes, days without a tick left out. */
const MOST_LOOKS = 530_000

/** Resolves to the result of each test, in order. Rejects with `FUNCTION_INVALID` when functions that are wanted do not load. */
export async function runTests(tests: readonly ConfigTest[], scene: Scene): Promise<readonly TestResult[]> {
  const results: TestResult[] = []
  for (const test of tests) results.push(await runTest(test, scene))
  return results
}

/**
 * Functions run when their answer is asked for, and none is made up. Otherwise what they are sent is the question, and
 * that needs no Wasm.
 */
export const runsFunctions = ({ error, failing, reply }: ConfigTest): boolean =>
  reply !== undefined || (error !== undefined && !failing)

async function runTest(test: ConfigTest, scene: Scene): Promise<TestResult> {
  const stage = new Stage(test, scene, runsFunctions(test) ? await scene.pool() : undefined)
  try {
    const refused: GatewayError[] = []
    const trouble = await play(test, stage, (error) => void refused.push(error))
    const found = [...trouble, ...compare(test, stage)]
    return shown(await resultOf(test, found, refused, stage), test)
  } finally {
    await stage.close()
  }
}

/** With the names of variables for what they stood for: a test may hold a secret. */
function shown(result: TestResult, { hidden }: ConfigTest): TestResult {
  if (result.passed || hidden.length === 0) return result
  const inner = (value: string): string => JSON.stringify(value).slice(1, -1)
  const hide = (text: string, { name, value }: (typeof hidden)[number]) =>
    text.replaceAll(inner(value), () => inner(name))
  return JSON.parse(hidden.reduce(hide, JSON.stringify(result)))
}

/** Sends what comes in, and lets time pass. Resolves to what went wrong with that. */
async function play(
  test: ConfigTest,
  stage: Stage,
  refused: (error: GatewayError) => void,
): Promise<readonly Difference[]> {
  const { clock, scene } = stage
  const { config, connectors } = scene
  const options = (name: string): unknown =>
    name === 'http' ? config.http : config.sources.find((source) => source.name === name)?.config
  const as = (name: string) => config.sources.find((source) => source.name === name)?.as
  const parts: SenderParts = { test, clock, connectors, options, as, accept: stage.accept, refused }
  const end = test.after === undefined ? undefined : test.begins + test.after
  const sent = test.tick === undefined ? await send(parts, end) : await tick(parts, test.tick, end)
  const settled = sent && (end === undefined ? await settle(clock) : await clock.advance(end).then(() => true))
  const { broken } = stage
  if (broken) return [{ what: 'run', expected: 'a gateway that goes on', got: broken.message }]
  if (settled) return []
  const got = sent ? `more after ${MOST_STEPS} steps; say with "after" when to look` : 'no tick any more'
  return [{ what: 'run', expected: 'an end', got }]
}

async function settle(clock: SenderParts['clock']): Promise<boolean> {
  for (let steps = 0; steps < MOST_STEPS; steps++) if (!(await clock.step())) return true
  return false
}

async function send(parts: SenderParts, end = Number.POSITIVE_INFINITY): Promise<boolean> {
  const { clock, test } = parts
  const sender = senderOf(parts)
  for (let turn = 0; turn < test.repeat.times; turn++) {
    const at = test.begins + turn * test.repeat.every
    if (at > end) break
    await clock.advance(at)
    await sender(turn)
  }
  return true
}

/** The next ticks of a source, or all of them until `end`. False when there is none. */
async function tick(parts: SenderParts, name: string, end: number | undefined): Promise<boolean> {
  const { clock, test } = parts
  let ticks = 0
  let looks = 0
  const source = await startTicks(parts, name, () => {
    ticks += 1
    looks = 0
  })
  if (end === undefined) {
    for (; ticks < test.repeat.times && looks < MOST_LOOKS; looks++) if (!(await clock.step())) break
  } else await clock.advance(end)
  await source.stop()
  return end !== undefined || ticks >= test.repeat.times
}

function compare({ route, ...test }: ConfigTest, stage: Stage): readonly Difference[] {
  const { arrived, scene } = stage
  const targets = new Map(allTargets(scene.router.routes).map((target) => [target.text, target]))
  const own = new Set(route === undefined ? [] : scene.router.get(route)?.to.map(({ text }) => text))
  const tried = stage.tried.filter((one) => route === undefined || (one.route ? one.route === route : own.has(one.to)))
  // What came of an event that a function emitted, or a topic passed on, is no reply to what came in.
  const inner = new Set(arrived.flatMap((each) => (isInner(each) ? [each.callId] : [])))
  return differences(test, {
    targets,
    settled: stage.settled.filter((one) => route === undefined || one.route === route),
    tried,
    replies: stage.replies.filter(({ callId }) => !inner.has(callId)),
  })
}

const isInner = (each: Arrived): each is Extract<Arrived, { kind: 'accepted' }> =>
  each.kind === 'accepted' && hops(each.event) > 0

async function resultOf(
  { column, file, line, name, route }: ConfigTest,
  found: readonly Difference[],
  refused: readonly GatewayError[],
  stage: Stage,
): Promise<TestResult> {
  const passed = found.length === 0
  return {
    name,
    ...(route === undefined ? {} : { route }),
    file,
    line,
    column,
    passed,
    differences: found,
    refused: passed ? [] : refused.map(({ code, message }) => `${code}: ${message}`),
    events: passed ? [] : await histories(stage),
  }
}
