/** Lanes stay within their concurrency, do not hold each other up, and stop without losing what they hold. */

import { expect, test } from 'vitest'
import type { Delivery, Lane } from '../journal/journal.ts'
import { openMemoryJournal } from '../journal/memory.ts'
import { Dispatcher } from './dispatch.ts'

const lane = (to: string): Lane => ({ route: 'r', to })
const settled = { settled: Promise.resolve() }

async function filled(to: string, count: number) {
  const journal = openMemoryJournal({})
  for (let n = 0; n < count; n += 1) {
    await journal.append({
      event: { specversion: '1.0', id: `${to}-${n}`, source: '/s', type: 't' },
      origin: { source: 'http', address: '' },
      callId: `${to}-${n}`,
      routes: [lane(to)],
    })
  }
  return journal
}

const until = async (check: () => boolean) => {
  for (let turn = 0; turn < 1_000 && !check(); turn += 1) await new Promise((resolve) => setImmediate(resolve))
  expect(check()).toBe(true)
}

test('never more than the concurrency under way, and it is used up', async () => {
  const journal = await filled('a', 20)
  const gates: (() => void)[] = []
  let peak = 0
  let done = 0
  const dispatcher = new Dispatcher(journal, (error) => expect.fail(error.message))
  dispatcher.add({
    ...lane('a'),
    concurrency: 3,
    run: async (delivery) => {
      await new Promise<void>((resolve) => gates.push(resolve))
      await journal.settle(delivery, { status: 'done' })
      done += 1
      return settled
    },
  })
  while (done < 20) {
    await until(() => gates.length > 0)
    peak = Math.max(peak, gates.length)
    gates.shift()?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(peak).toBe(3)
  await dispatcher.stop(100)
})

test('a lane that hangs does not hold up another', async () => {
  const journal = await filled('slow', 1)
  await journal.append({
    event: { specversion: '1.0', id: 'x', source: '/s', type: 't' },
    origin: { source: 'http', address: '' },
    callId: 'x',
    routes: [lane('fast')],
  })
  const ran: string[] = []
  const dispatcher = new Dispatcher(journal, (error) => expect.fail(error.message))
  const slow = (_: Delivery, signal: AbortSignal) =>
    new Promise<typeof settled>((resolve) => signal.addEventListener('abort', () => resolve(settled)))
  dispatcher.add({ ...lane('slow'), concurrency: 1, run: slow })
  dispatcher.add({
    ...lane('fast'),
    concurrency: 1,
    run: async (delivery) => {
      ran.push(delivery.event.id)
      return settled
    },
  })
  await until(() => ran.length === 1)
  await dispatcher.stop(10)
})

test('stop waits for what is under way and takes nothing more', async () => {
  const journal = await filled('a', 5)
  let begun = 0
  const gate = Promise.withResolvers<void>()
  const dispatcher = new Dispatcher(journal, (error) => expect.fail(error.message))
  dispatcher.add({
    ...lane('a'),
    concurrency: 2,
    run: async (delivery) => {
      begun += 1
      await gate.promise
      return { settled: journal.settle(delivery, { status: 'done' }) }
    },
  })
  await until(() => begun === 2)
  const stopping = dispatcher.stop(5_000)
  gate.resolve()
  await stopping
  expect(begun).toBe(2)
  expect(journal.stats().pending).toBe(3)
})

test('what runs past the grace is told to end', async () => {
  const journal = await filled('a', 1)
  let aborted = false
  let begun = false
  const dispatcher = new Dispatcher(journal, (error) => expect.fail(error.message))
  dispatcher.add({
    ...lane('a'),
    concurrency: 1,
    run: (delivery, signal) => {
      begun = true
      return new Promise((resolve) =>
        signal.addEventListener('abort', () => {
          aborted = true
          journal.release(delivery)
          resolve(settled)
        }),
      )
    },
  })
  await until(() => begun)
  await dispatcher.stop(5)
  expect(aborted).toBe(true)
  expect(journal.stats().pending).toBe(1)
})

test('a settle that the disk refuses ends the gateway', async () => {
  const journal = await filled('a', 1)
  const failed = Promise.withResolvers<Error>()
  const dispatcher = new Dispatcher(journal, failed.resolve)
  dispatcher.add({ ...lane('a'), concurrency: 1, run: async () => ({ settled: Promise.reject(new Error('no disk')) }) })
  expect((await failed.promise).message).toBe('no disk')
  await dispatcher.stop(5)
})

test('a lane that comes instead of another takes over what is left; what still runs of that one counts', async () => {
  const journal = await filled('a', 10)
  const seen = { old: 0, new: 0 }
  const gates: (() => void)[] = []
  let running = 0
  let peak = 0
  const dispatcher = new Dispatcher(journal, (error) => expect.fail(error.message))
  const serve = (who: keyof typeof seen) => ({
    ...lane('a'),
    concurrency: 2,
    run: async (delivery: Delivery) => {
      seen[who] += 1
      running += 1
      peak = Math.max(peak, running)
      await new Promise<void>((resolve) => gates.push(resolve))
      running -= 1
      await journal.settle(delivery, { status: 'done' })
      return settled
    },
  })
  const old = dispatcher.add(serve('old'))
  await until(() => gates.length === 2)
  let left = false
  const leaving = old.leave().then(() => {
    left = true
  })
  const instead = dispatcher.add(serve('new'), old)
  await new Promise((resolve) => setImmediate(resolve))
  expect(seen).toEqual({ old: 2, new: 0 })
  expect(left).toBe(false)
  for (let done = 0; done < 10; done += 1) {
    await until(() => gates.length > 0)
    gates.shift()?.()
  }
  await leaving
  await instead.leave()
  expect({ peak, seen }).toEqual({ peak: 2, seen: { old: 2, new: 8 } })
})

test('deliveries that wait for nothing do not keep the event loop to themselves', async () => {
  const journal = await filled('a', 3_000)
  let done = 0
  const dispatcher = new Dispatcher(journal, (error) => expect.fail(error.message))
  dispatcher.add({
    ...lane('a'),
    concurrency: 16,
    run: async (delivery) => {
      void journal.settle(delivery, { status: 'done' })
      done += 1
      return settled
    },
  })
  let most = 0
  while (done < 3_000) {
    const before = done
    await new Promise((resolve) => setImmediate(resolve))
    most = Math.max(most, done - before)
  }
  expect(most).toBeLessThanOrEqual(256)
  await dispatcher.stop(100)
})
