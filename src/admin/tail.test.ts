/** What happens on the path, as lines over the admin listener. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Activity } from '../delivery/activity.ts'
import { Bench, event, origin } from './harness.ts'

let bench: Bench
beforeEach(async () => {
  bench = await Bench.open()
})
afterEach(() => bench[Symbol.asyncDispose]())

describe('tail', () => {
  const accepted = (type: string): Activity => ({ kind: 'unmatched', event: { ...event, type }, origin })

  /** Yields the lines of a response as they come. */
  async function* lines(response: Response): AsyncGenerator<{ readonly [name: string]: unknown }> {
    let text = ''
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString()
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        yield JSON.parse(text.slice(0, end))
        text = text.slice(end + 1)
      }
    }
  }

  test('shows what happens, without data, and ends its subscription with its reader', async () => {
    const response = await bench.get('/admin/tail')
    const reader = lines(response)
    bench.happen(accepted('order.created'))
    const { value } = await reader.next()
    expect(value).toMatchObject({ kind: 'unmatched', origin, event: { type: 'order.created', bytes: 12 } })
    expect(JSON.stringify(value)).not.toContain('amount')
    await reader.return(undefined)
    await expect.poll(() => bench.listeners.size).toBe(0)
  })

  test('shows only what the expression is true of', async () => {
    const response = await bench.get('/admin/tail?when=order')
    const reader = lines(response)
    bench.happen(accepted('user.created'))
    bench.happen(accepted('order.paid'))
    expect((await reader.next()).value).toMatchObject({ event: { type: 'order.paid' } })
    await reader.return(undefined)
  })

  test('refuses an expression that is none', async () => {
    const response = await bench.get('/admin/tail?when=((')
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining('does not parse') })
  })

  test('leaves lines out for a reader that does not read, says how many, and holds nothing up', async () => {
    const response = await bench.get('/admin/tail')
    const big = 'x'.repeat(10_000)
    let made = 0
    // Until the sockets' buffers and the stream's own are full, and then some.
    for (; made < 5_000; made += 1) bench.happen({ kind: 'unmatched', event: { ...event, subject: big }, origin })
    const reader = lines(response)
    let skipped = 0
    let seen = 0
    const poke = setInterval(() => bench.happen(accepted('order.paid')), 5)
    for await (const line of reader) {
      if (line['kind'] === 'skipped') {
        skipped = Number(line['lines'])
        break
      }
      seen += 1
    }
    clearInterval(poke)
    expect(skipped).toBeGreaterThan(0)
    expect(seen + skipped).toBeGreaterThanOrEqual(made)
  })

  test('stop ends it', async () => {
    const response = await bench.get('/admin/tail')
    const reader = lines(response)
    const ended = reader.next().then(
      ({ done }) => done,
      () => true,
    )
    await bench.admin.stop()
    expect(await ended).toBe(true)
    expect(bench.listeners.size).toBe(0)
    await bench.admin.stop()
  })
})
