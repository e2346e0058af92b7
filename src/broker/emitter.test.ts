/** mqemitter's own contract tests against our emitter, and what its implementation gets wrong. */

import assert from 'node:assert'
import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { Emitter } from './emitter.ts'
import { SHARED } from './topics.ts'

/** The part of node:test's context that the contract uses. */
interface Context {
  plan(count: number): void
  fail(message: string): never
  assert: typeof assert
}
type Contract = (options: {
  builder: (options?: object) => Emitter
  test: (name: string, run: (context: Context) => Promise<void>) => void
}) => void

const contract = createRequire(import.meta.url)('mqemitter/abstractTest.js') as Contract

describe('the contract of mqemitter', () => {
  contract({
    builder: (options) => new Emitter(options),
    test: (name, run) => {
      test(name, async () => {
        let planned: number | undefined
        let made = 0
        const counted = new Proxy(assert, {
          get: (target, key) => {
            made++
            return Reflect.get(target, key)
          },
        })
        await run({ plan: (count) => (planned = count), fail: (message) => assert.fail(message), assert: counted })
        if (planned !== undefined) expect(made).toBe(planned)
      })
    },
  })
})

test('100 messages that are held back do not hold up 20,000 others, nor grow the stack', async () => {
  const emitter = new Emitter()
  const held: (() => void)[] = []
  emitter.on('slow', (_message, done) => void held.push(done))
  for (let i = 0; i < 100; i++) emitter.emit({ topic: 'slow' })
  let sent = 0
  await new Promise<void>((resolve) => {
    const next = () => (++sent === 20_000 ? resolve() : void emitter.emit({ topic: 'nobody' }, next))
    next()
  })
  expect(emitter.current).toBe(100)
  for (const done of held) done()
  expect(emitter.current).toBe(0)
})

test('a shared subscription gives each message to one member, in turn, and ends with its last one', () => {
  const emitter = new Emitter()
  const got: string[] = []
  const member = (name: string) => (_message: { topic: string }, done: () => void) => {
    got.push(name)
    done()
  }
  const [a, b] = [member('a'), member('b')]
  emitter.on(`${SHARED}g/t/#`, a).on(`${SHARED}g/t/#`, b).on('t/1', member('plain'))
  emitter.emit({ topic: 't/1' }).emit({ topic: 't/1' })
  expect(got.toSorted()).toEqual(['a', 'b', 'plain', 'plain'])
  emitter.removeListener(`${SHARED}g/t/#`, a).removeListener(`${SHARED}g/t/#`, b)
  emitter.emit({ topic: 't/1' })
  expect(got.length).toBe(5)
})
