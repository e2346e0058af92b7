/** Programs, as modules of wasip1 and as components of wasi:cli/command: what their end means, and that none does harm. */

import { describe, expect, test } from 'vitest'
import { guest, type OpenPool, open, spec, textOf } from './open.ts'

const openProgram = (name: string, overrides: Parameters<typeof spec>[1] = {}): Promise<OpenPool> =>
  open([spec('f', { wasm: guest(name), ...overrides })])

const DATA = { datacontenttype: 'application/json', data: Buffer.from('{"a":1}') }

describe.each([
  { name: 'hostile-program', what: 'a module of wasip1' },
  { name: 'hostile-command', what: 'a component of wasi:cli/command' },
])('$what', ({ name }) => {
  test('reads the event as JSON, and replies with what it writes', async () => {
    await using opened = await openProgram(name)
    const event = { specversion: '1.0', id: 'e', source: '/s', type: 'input', ...DATA } as const
    const { reply, events } = await opened.call('f', '', '', { event })
    expect(JSON.parse(Buffer.from(reply?.data ?? []).toString())).toEqual({
      ...event,
      data: { a: 1 },
    })
    expect(reply).toMatchObject({ datacontenttype: 'application/json' })
    expect(events).toEqual([])
    expect((await opened.call('f', 'print')).reply?.datacontenttype).toBe('text/plain; charset=utf-8')
    expect((await opened.call('f', 'bytes')).reply).toMatchObject({
      data: Buffer.from([0xff, 0, 7]),
      datacontenttype: 'application/octet-stream',
    })
    // Nothing written is no reply.
    expect(await opened.call('f', 'nothing')).not.toHaveProperty('reply')
  })

  test('reads the parameters alone of a direct call', async () => {
    await using opened = await openProgram(name)
    const parameters = '{"type":"input","n":12345678901234567890}'
    expect(textOf(await opened.call('f', 'x', '', { parameters }))).toBe(parameters)
    const event = { specversion: '1.0', id: 'e', source: '/s', type: 'headgate.call', subject: 'f' } as const
    const data = Buffer.from(parameters)
    expect(textOf(await opened.call('f', '', '', { event: { ...event, data } }))).toBe(parameters)
  })

  test('its exit code is the outcome: 0 a reply, those of sysexits.h a refusal, every other another attempt', async () => {
    await using opened = await openProgram(name)
    expect(textOf(await opened.call('f', 'exit', '0'))).toBe('what nobody reads')
    await expect(opened.call('f', 'exit', '1')).rejects.toMatchObject({
      code: 'FUNCTION_RETRY',
      message: 'f (function): handling the event: exit code 1: it goes wrong',
      fingerprint: 'exit:1',
    })
    // WASI 0.2 carries no codes, only whether it went well.
    const carried = name === 'hostile-program' ? [7, 65] : [1, 1]
    await expect(opened.call('f', 'exit', '7')).rejects.toMatchObject({ fingerprint: `exit:${carried[0]}` })
    const refused = { code: 'FUNCTION_REJECTED', type: 'ValidationError', detailCode: 'EXIT_65' }
    await expect(opened.call('f', 'exit', '65')).rejects.toMatchObject(
      carried[1] === 65 ? refused : { code: 'FUNCTION_RETRY', fingerprint: 'exit:1' },
    )
  })

  test('writes lines to the log, and no more than it may', async () => {
    await using opened = await openProgram(name)
    expect(textOf(await opened.call('f', 'print', '', { callId: 'the-call' }))).toBe('the reply')
    const line = { function: 'f', callId: 'the-call', level: 'warn' }
    expect(opened.lines).toEqual([
      { ...line, message: 'to stderr' },
      { ...line, message: 'without a newline' },
    ])
    expect(textOf(await opened.call('f', 'flood', '1000'))).toBe('flooded')
    expect(opened.lines.reduce((sum, { message }) => sum + message.length, 0)).toBeLessThan(100_000)
    expect(opened.lines.at(-1)?.message).toContain('the rest was dropped')
  })

  test('what traps, overflows or replies too much is ended, and the next call runs', async () => {
    await using opened = await openProgram(name)
    const trap = { code: 'FUNCTION_TRAPPED', disposition: 'retry' }
    const failure = (type: string, subject = '') => opened.call('f', type, subject).catch((error: unknown) => error)
    const trapped = await failure('trap')
    expect(trapped).toMatchObject({ ...trap, fingerprint: expect.stringMatching(/unreachable.*@.*:0x[0-9a-f]+$/) })
    expect(await failure('trap')).toMatchObject({ fingerprint: (trapped as { fingerprint: string }).fingerprint })
    expect(await failure('panic')).toMatchObject({
      message: expect.stringContaining('its last line was "the program panics"'),
    })
    expect(await failure('stack')).toMatchObject({ ...trap, fingerprint: 'stack-overflow' })
    expect(await failure('large', '17')).toMatchObject({ ...trap, message: expect.stringContaining('16 MiB') })
    expect((await opened.call('f', 'large', '16')).reply?.data.length).toBe(16 << 20)
    expect(await failure('hoard')).toMatchObject({ code: 'FUNCTION_OUT_OF_MEMORY' })
    expect(textOf(await opened.call('f', 'print'))).toBe('the reply')
  })

  test('what never ends is ended at its timeout, asleep or busy', async () => {
    await using opened = await openProgram(name, { timeoutMs: 300 })
    for (const [type, subject] of [
      ['loop', ''],
      ['sleep', '60000'],
    ] as const)
      await expect(opened.call('f', type, subject)).rejects.toMatchObject({ code: 'FUNCTION_TIMED_OUT' })
    expect(textOf(await opened.call('f', 'print'))).toBe('the reply')
    await opened.call('f', 'sleep', '20')
  })

  test('has its name, its env, no files and no network; no run sees what another left', async () => {
    await using opened = await openProgram(name, { env: { SIZE: '10' } })
    expect(textOf(await opened.call('f', 'env'))).toBe('[("SIZE", "10")] ["f"]')
    expect(textOf(await opened.call('f', 'files'))).toBe('false false false')
    expect(textOf(await opened.call('f', 'network'))).toBe('false')
    const calls = Array.from({ length: 100 }, () => opened.call('f', 'state'))
    expect(new Set((await Promise.all(calls)).map(textOf))).toEqual(new Set(['0']))
    // Of what is begun elsewhere when a machine stops a worker; a fresh copy for each is none.
    expect(opened.pool.stats()[0]?.coldStarts).toBeLessThan(5)
  })
})
