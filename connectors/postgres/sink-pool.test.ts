/** What a pool leaves behind of those who used it. */

import { getEventListeners } from 'node:events'
import pg from 'pg'
import { expect, test } from 'vitest'
import type { Connection } from './connection.ts'
import { Pool } from './sink-pool.ts'

/** One that is never opened: nothing is asked of it here. */
const idle = (): Connection => ({
  client: new pg.Client(),
  inTurn: () => Promise.reject(new Error('nobody asks')),
  broken: new Promise(() => {}),
  [Symbol.asyncDispose]: async () => {},
})

test('ten thousand uses, in turn or refused, leave nothing on the signal that they were for', async () => {
  const pool = new Pool(async () => idle(), 2)
  const whole = new AbortController()
  const use = (nth: number) =>
    pool.use(whole.signal, async () => {
      if (nth % 10 === 0) throw new Error('the connection is lost')
      return nth
    })
  const done = await Promise.allSettled(Array.from({ length: 10_000 }, (_, nth) => use(nth)))
  expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(9_000)
  expect(getEventListeners(whole.signal, 'abort')).toHaveLength(0)
  const held = pool.use(whole.signal, () => new Promise<never>(() => {}))
  expect(getEventListeners(whole.signal, 'abort')).toHaveLength(1)
  await pool.close(new Error('it was stopped'))
  await expect(held).rejects.toThrow('it was stopped')
  await expect(pool.use(whole.signal, async () => 1)).rejects.toThrow('it was stopped')
  expect(getEventListeners(whole.signal, 'abort')).toHaveLength(0)
})
