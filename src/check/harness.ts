/** Runs the tests in a text, with a pool whose functions answer with what they are sent. */

import { connectors } from '../../connectors/index.ts'
import { parseConfig } from '../config/index.ts'
import { RehearsalHost } from '../host/rehearsal.ts'
import type { FunctionPool } from '../pool/pool.ts'
import { runTests, setScene, type TestResult } from './index.ts'

/** A pool whose functions answer with what they are sent. */
export const echo: FunctionPool = {
  invoke: async ({ event }) => ({
    ...(event.data && { reply: { data: event.data } }),
    events: [],
    runMs: 0,
    cold: false,
  }),
  free: () => 1,
  ready: async () => undefined,
  stats: () => [],
  [Symbol.asyncDispose]: async () => undefined,
}

/** Resolves to the results of the tests in a configuration. */
export async function results(text: string, pool: FunctionPool = echo): Promise<readonly TestResult[]> {
  const config = parseConfig(text, 'x.yaml', { connectors, env: { KEY: 'swordfish' } })
  return runTests(config.tests, setScene(config, connectors, { pool: async () => pool, host: new RehearsalHost() }))
}

/** Resolves to each difference, in words. */
export const run = async (text: string): Promise<readonly string[]> =>
  (await results(text)).flatMap(({ differences }) =>
    differences.map(({ expected, got, what }) => `${what}: expected ${expected}, got ${got}`),
  )
