/** When a function runs apart from the others, by what its calls took. */

import { expect, test } from 'vitest'
import { GatewayError } from '../errors.ts'
import { WaitingFunction } from './waiting.ts'

const SPEC = {
  name: 'f',
  wasm: 'f.wasm',
  min: 0,
  max: 1,
  idleMs: 1_000,
  timeoutMs: 1_000,
  memoryBytes: 1 << 20,
  env: {},
}
const answered = (cold: boolean) => ({ cold, events: [], runMs: 1 })
const trapped = (cold: boolean) => new GatewayError('FUNCTION_TRAPPED', 'f (function): running: trapped', { cold })

test.each([
  ['the first of an instance takes 40 ms, as a start may', 40, answered(true), false],
  ['any other takes 40 ms', 40, answered(false), true],
  ['the first of an instance takes 60 ms', 60, answered(true), true],
  ['the first of an instance traps after 5 ms', 5, trapped(true), false],
  ['the first of an instance traps after 60 ms', 60, trapped(true), true],
])('%s', (_, ranMs, outcome, apart) => {
  const waiting = new WaitingFunction(SPEC, 10, false)
  waiting.took(ranMs, outcome)
  expect(waiting.apart).toBe(apart)
  expect(waiting.coldStarts).toBe(outcome.cold ? 1 : 0)
})

test('where each instance traps at its first call the function runs apart after a few', () => {
  const waiting = new WaitingFunction(SPEC, 10, false)
  for (let nth = 0; nth < 3; nth++) waiting.took(1, trapped(true))
  expect(waiting.apart).toBe(true)
})
