/** Guests that misbehave: each is ended with the right error, and harms nothing else. */

import { expect, test } from 'vitest'
import { open, spec, textOf } from './open.ts'

test('a trap is FUNCTION_TRAPPED with the same fingerprint each time, and costs the instance alone', async () => {
  await using opened = await open([spec('hostile')])
  const { call } = opened
  expect(textOf(await call('hostile', 'calls'))).toBe('2')
  const first = await call('hostile', 'trap').catch((error: unknown) => error)
  const second = await call('hostile', 'trap').catch((error: unknown) => error)
  expect(first).toMatchObject({ code: 'FUNCTION_TRAPPED', disposition: 'retry' })
  expect(first).toHaveProperty('fingerprint', expect.stringMatching(/^unreachable@.*:0x[0-9a-f]+$/))
  expect(second).toMatchObject({ fingerprint: (first as { fingerprint: string }).fingerprint })
  expect(textOf(await call('hostile', 'calls'))).toBe('1')
})

test('a panic says what the guest printed last', async () => {
  await using opened = await open([spec('hostile')])
  await expect(opened.call('hostile', 'panic')).rejects.toMatchObject({ code: 'FUNCTION_TRAPPED' })
  expect(opened.lines.map(({ message }) => message).join('\n')).toContain('the guest panics')
})

test('a stack overflow is named, and the next call runs', async () => {
  await using opened = await open([spec('hostile')])
  await expect(opened.call('hostile', 'stack')).rejects.toMatchObject({
    code: 'FUNCTION_TRAPPED',
    message: expect.stringContaining('stack overflow'),
    fingerprint: 'stack-overflow',
  })
  expect(textOf(await opened.call('hostile', 'calls'))).toBe('1')
  // Rust keeps a second stack, in linear memory; past its end is past the memory.
  await expect(opened.call('hostile', 'frames')).rejects.toMatchObject({ code: 'FUNCTION_TRAPPED' })
  expect(textOf(await opened.call('hostile', 'calls'))).toBe('1')
})

test('exit ends the guest, not the gateway', async () => {
  await using opened = await open([spec('hostile')])
  for (const code of ['0', '7'])
    await expect(opened.call('hostile', 'exit', code)).rejects.toMatchObject({
      code: 'FUNCTION_TRAPPED',
      message: expect.stringContaining('called exit'),
    })
  expect(textOf(await opened.call('hostile', 'calls'))).toBe('1')
})

test('what it returns is counted before the host makes anything of it: the lift bomb', async () => {
  await using opened = await open([spec('hostile')])
  const before = process.memoryUsage.rss()
  // 500 events whose ids all name one region of 8 MiB: 4 GiB for a host that copies each.
  await expect(opened.call('hostile', 'bomb', '500')).rejects.toMatchObject({
    code: 'FUNCTION_TRAPPED',
    message: expect.stringContaining('more than 16 MiB'),
  })
  expect(process.memoryUsage.rss() - before).toBeLessThan(200e6)
  await expect(opened.call('hostile', 'large', '17')).rejects.toMatchObject({ fingerprint: 'result' })
  await expect(opened.call('hostile', 'events', '1001')).rejects.toMatchObject({
    message: expect.stringContaining('1001 events'),
  })
  const large = await opened.call('hostile', 'large', '8')
  expect(large.reply?.data.length).toBe(8 << 20)
})

test('a flood of lines is cut, with a line that says so', async () => {
  await using opened = await open([spec('hostile')])
  expect(textOf(await opened.call('hostile', 'flood', '2000'))).toBe('flooded')
  expect(opened.lines.length).toBeLessThan(300)
  expect(opened.lines.reduce((sum, { message }) => sum + message.length, 0)).toBeLessThan(200_000)
  expect(opened.lines.at(-1)).toMatchObject({ level: 'warn', message: expect.stringContaining('the rest was dropped') })
})

test('stdout, stderr and log come out as lines with function, callId and level', async () => {
  await using opened = await open([spec('hostile')])
  await opened.call('hostile', 'print', '', { callId: 'the-call' })
  const of = (level: string, message: string) => ({ function: 'hostile', callId: 'the-call', level, message })
  expect(opened.lines).toEqual([
    of('info', 'to stdout'),
    of('warn', 'to stderr'),
    of('debug', 'to the log'),
    of('info', 'without a newline'),
  ])
})

test('it sees the environment it was given and no other, no files, no network', async () => {
  await using opened = await open([spec('hostile', { env: { SIZE: '10' } })])
  expect(textOf(await opened.call('hostile', 'env'))).toBe('[("SIZE", "10")] []')
  expect(textOf(await opened.call('hostile', 'files'))).toBe('false false')
  // Denied in the terms of the interface: the guest can catch it.
  expect(textOf(await opened.call('hostile', 'network'))).toBe('false')
  const denied = 'wasi:sockets/tcp-create-socket#createTcpSocket'
  expect(opened.lines.at(-1)).toMatchObject({ level: 'warn', message: expect.stringContaining(`denied ${denied}: `) })
  await expect.poll(() => opened.pool.stats()[0]?.denied.other).toBe(1)
})

test('memory that fills up replaces the instance before it traps', async () => {
  await using opened = await open([spec('hostile')])
  for (let round = 0; round < 12; round++) expect(textOf(await opened.call('hostile', 'keep', '4'))).toBe('kept')
  expect(opened.pool.stats()[0]?.memoryBytes).toBeLessThan(32 << 20)
})

test('an event without an id is refused, and the instance goes on', async () => {
  await using opened = await open([spec('hostile')])
  await expect(opened.call('hostile', 'nameless')).rejects.toMatchObject({
    code: 'EVENT_INVALID',
    message: 'hostile (function): emitting event 0: id is empty',
  })
  expect(textOf(await opened.call('hostile', 'calls'))).toBe('3')
})

test('clocks and sleep work, and what they need of the host is given back', async () => {
  await using opened = await open([spec('hostile')])
  expect(textOf(await opened.call('hostile', 'sleep', '20'))).toBe('slept')
  const calls = Array.from({ length: 500 }, () => opened.call('hostile', 'sleep', '0'))
  expect((await Promise.all(calls)).every((result) => textOf(result) === 'slept')).toBe(true)
})

test('a line that is too long is cut, and says so', async () => {
  await using opened = await open([spec('hostile')])
  expect(textOf(await opened.call('hostile', 'line', '9000'))).toBe('written')
  expect(opened.lines.at(-1)?.message).toBe(`${'z'.repeat(8_192)}... (808 more characters)`)
  await opened.call('hostile', 'line', '8192')
  expect(opened.lines.at(-1)?.message).toBe('z'.repeat(8_192))
})

test('names that every object has are names like any other, and no prototype changes', async () => {
  await using opened = await open([spec('hostile')])
  await expect(opened.call('hostile', 'proto')).rejects.toMatchObject({
    code: 'EVENT_INVALID',
    message: expect.stringContaining('extension name "__proto__"'),
  })
  expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('polluted')
  expect({}.constructor).toBe(Object)
  expect(String({})).toBe('[object Object]')
  // In its own thread neither: it goes on as before.
  expect(textOf(await opened.call('hostile', 'calls'))).toBe('3')
})

test('no socket is opened, listened on or looked up, by whichever way', async () => {
  await using opened = await open([spec('hostile')])
  expect(textOf(await opened.call('hostile', 'sockets'))).toBe('false false false false')
  await expect.poll(() => opened.pool.stats()[0]?.denied.other).toBeGreaterThanOrEqual(3)
  for (const name of [
    'tcp-create-socket#createTcpSocket',
    'udp-create-socket#createUdpSocket',
    'ip-name-lookup#resolveAddresses',
  ])
    expect(opened.lines.map(({ message }) => message).join('\n')).toContain(`denied wasi:sockets/${name}`)
})

test('what it says of its failure is cut, and how long it has the next attempt wait is bounded', async () => {
  await using opened = await open([spec('hostile')])
  const loud = await opened.call('hostile', 'loud', '4').catch((error: unknown) => error)
  expect(loud).toMatchObject({ code: 'FUNCTION_REJECTED', detailCode: 'w'.repeat(200) })
  expect((loud as Error).message).toMatch(/w\.\.\. \(\d+ more characters\)$/)
  expect((loud as Error).message.length).toBeLessThan(9_000)
  const moan = await opened.call('hostile', 'moan', '4').catch((error: unknown) => error)
  expect((moan as Error).message.length).toBeLessThan(9_000)
  const later = await opened.call('hostile', 'retry', '18446744073709551615').catch((error: unknown) => error)
  expect(later).toMatchObject({ code: 'FUNCTION_RETRY', retryAfterMs: 30 * 86_400_000 })
  expect(await opened.call('hostile', 'retry', '1500').catch((error: unknown) => error)).toMatchObject({
    retryAfterMs: 1_500,
  })
})
