/** Parts start in order, stop in the opposite one, and are named when they hang. */

import { expect, test } from 'vitest'
import { Lifecycle } from './lifecycle.ts'

test('parts stop in the opposite order of their start', async () => {
  const log: string[] = []
  const life = new Lifecycle({ startMs: 1_000, stopMs: 1_000 })
  for (const name of ['a', 'b', 'c']) {
    await life.open(
      name,
      async () => log.push(`start ${name}`),
      async () => log.push(`stop ${name}`),
    )
  }
  await life.stop()
  await life.stop()
  expect(log).toEqual(['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a'])
})

test('a part that hangs is named, and the others stop all the same', async () => {
  let stopped = false
  const life = new Lifecycle({ startMs: 20, stopMs: 20 })
  await life.open(
    'journal',
    async () => {},
    async () => {
      stopped = true
    },
  )
  await life.open(
    'pool',
    async () => {},
    () => new Promise(() => {}),
  )
  await expect(
    life.open(
      'orders',
      () => new Promise(() => {}),
      async () => {},
    ),
  ).rejects.toThrow('orders (part): starting: not done after 20 ms')
  await expect(life.stop()).rejects.toThrow('pool (part): stopping: not done after 20 ms')
  expect(stopped).toBe(true)
})

test('the signal of a start ends a start that hangs, and nothing that has started', async () => {
  const life = new Lifecycle({ startMs: 20, stopMs: 1_000 })
  const signals: AbortSignal[] = []
  const close = async () => {}
  await life.open('admin', async (signal) => signals.push(signal), close)
  const hangs = (signal: AbortSignal) => new Promise<void>(() => signals.push(signal))
  await expect(life.open('pool', hangs, close)).rejects.toThrow('pool (part): starting: not done after 20 ms')
  expect(signals.map(({ aborted }) => aborted)).toEqual([false, true])
})

test('a part may have more time than the others to start', async () => {
  const life = new Lifecycle({ startMs: 20, stopMs: 1_000 })
  const close = async () => {}
  await life.open('pool', () => new Promise((resolve) => setTimeout(resolve, 60)), close, 10_000)
  const hangs = () => new Promise(() => {})
  await expect(life.open('pool', hangs, close, 30)).rejects.toThrow('pool (part): starting: not done after 30 ms')
})

test('what did not start is not stopped', async () => {
  const life = new Lifecycle({ startMs: 1_000, stopMs: 1_000 })
  await expect(
    life.open(
      'sink',
      () => Promise.reject(new Error('no')),
      () => expect.fail('stopped'),
    ),
  ).rejects.toThrow('no')
  await life.stop()
})

test('one of very many is closed as fast as of few, and the others in their order', async () => {
  const life = new Lifecycle({ startMs: 10_000, stopMs: 10_000 })
  const log: number[] = []
  const parts = Array.from({ length: 20_000 }, (_, at) => ({ at }))
  for (const part of parts)
    await life.open(
      'part',
      async () => part,
      async ({ at }) => log.push(at),
    )
  const begun = process.cpuUsage()
  for (const part of parts.slice(3).reverse()) await life.close(part)
  // 150 ms; looked for from the first on it took seconds.
  expect(process.cpuUsage(begun).user / 1_000).toBeLessThan(1_500)
  await life.close({ at: 7 })
  log.length = 0
  await life.stop()
  expect(log).toEqual([2, 1, 0])
})
