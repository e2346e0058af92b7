/** Who has no Kafka in the configuration does not load its client; who has gets one that sets no timer while nothing waits. */

import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { loadKafka } from './client.ts'

const ROOT = join(import.meta.dirname, '../..')

/** How many modules of kafkajs a program has loaded. */
function loadedBy(program: string): number {
  const count = `import { createRequire } from 'node:module'
    ${program}
    const held = Object.keys(createRequire(${JSON.stringify(`${ROOT}/`)}).cache)
    console.log(held.filter((path) => path.includes('/kafkajs/')).length)`
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', count], { cwd: ROOT, encoding: 'utf8' }))
}

test('the list of connectors loads nothing of kafkajs', () => {
  expect(loadedBy(`await import('./connectors/index.ts')`)).toBe(0)
  expect(loadedBy(`await (await import('./connectors/kafka/client.ts')).loadKafka()`)).toBeGreaterThan(50)
})

test('a connection with nothing to send sets no timer', async () => {
  await loadKafka()
  const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as new (
    options: object,
  ) => { pending: unknown[]; scheduleCheckPendingRequests(): void; checkPendingRequests(): void; destroy(): void }
  const queue = new RequestQueue({ logger: { debug: () => {} } })
  const timers = vi.spyOn(globalThis, 'setTimeout')
  queue.checkPendingRequests()
  expect(timers).not.toHaveBeenCalled()
  queue.pending.push({})
  queue.scheduleCheckPendingRequests()
  expect(timers).toHaveBeenCalledOnce()
  expect(timers.mock.calls[0]?.[1]).toBe(10)
  queue.destroy()
  timers.mockRestore()
})

test('there is a codec for each way of compressing', async () => {
  const { CompressionCodecs, CompressionTypes } = await loadKafka()
  const codecs = CompressionCodecs as Record<
    number,
    () => { compress(e: object): Promise<Buffer>; decompress(b: Buffer): Promise<Buffer> }
  >
  const data = Buffer.from('grüße '.repeat(10_000))
  for (const kind of ['GZIP', 'Snappy', 'LZ4', 'ZSTD'] as const) {
    const codec = codecs[CompressionTypes[kind]]?.()
    const packed = await codec?.compress({ buffer: data })
    expect(packed?.length, kind).toBeLessThan(data.length / 10)
    expect(await codec?.decompress(packed ?? data), kind).toEqual(data)
  }
})
