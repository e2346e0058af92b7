/** Probes: a version that does not answer as it must never runs, and what ran goes on. */

import { afterAll, expect, test } from 'vitest'
import { createGateway } from '../../../src/index.ts'
import { ROOT } from '../../services/gateway.ts'
import { dataOf, folder, Running, yamlIn } from './running.ts'

/** A guest that does what the type of an event says: `echo` answers the data, `calls` how often the instance was called. */
const guest = `${ROOT}/test/functions/guests/hostile/hostile.wasm`

afterAll(() => folder.remove())

const size = (version: number, probe: string): string => `  size@${version}: { wasm: ${guest}, probe: { ${probe} } }\n`
const config = (...functions: readonly string[]): string =>
  `functions:\n${functions.join('')}routes: { r: { from: program, to: size } }\n`

const yaml = (name: string, rest: string): string => yamlIn(dataOf(name), rest)

const passes = 'event: { type: echo, data: { n: 1 } }, reply: { n: 1 }'

test('a version that passes runs', async () => {
  await using running = await Running.open('passes', config(size(2, passes)))
  await running.reload(config(size(2, passes), size(3, 'event: { type: status, subject: s }, reply: teapot')))
  await running.emit('1', 'context')
  await running.done('1')
  expect(running.at('1')).toEqual(['size@3'])
})

test.each([
  [
    'answers something else',
    'event: { type: echo, data: { n: 1 } }, reply: { n: 2 }',
    'it answered {"n":1}, and {"n":2} is expected',
  ],
  ['answers nothing', 'event: { type: none }, reply: ok', 'it answered nothing, and "ok" is expected'],
  ['traps', 'event: { type: trap }', 'it did not pass: '],
  ['refuses', 'event: { type: reject }', 'no items'],
  ['takes too long', 'event: { type: loop }, timeout: 300ms', 'it did not pass: '],
])('a version that %s is refused, and the one that ran goes on', async (what, probe, why) => {
  await using running = await Running.open(what.replaceAll(' ', '-'), config(size(2, passes)))
  const reloaded = running.reload(config(size(2, passes), size(3, probe)))
  await expect(reloaded).rejects.toMatchObject({ code: 'FUNCTION_UNHEALTHY', message: expect.stringContaining(why) })
  await expect(reloaded).rejects.toThrow(/^size@3 \(function\): probing: /)
  await running.emit('1', 'context')
  await running.done('1')
  expect(running.at('1')).toEqual(['size@2'])
  expect(await running.admin('/admin/config')).toContain('probe:')
})

/** Of this guest, `print` writes a line to stdout each time. */
test('what runs already as it is, is not asked again', async () => {
  const lines: string[] = []
  const line = (_: object, text: string): void => void lines.push(text)
  const log = { debug: line, info: line, warn: line, error: line }
  const said = size(2, 'event: { type: print, subject: "1" }')
  const asked = (): number => lines.filter((text) => text === 'to stdout').length
  await using gateway = await createGateway({ yaml: yaml('again', config(said)) }, { log })
  await gateway.start()
  expect(asked()).toBe(1)
  await gateway.reload({ yaml: yaml('again', config(said, size(3, passes))) })
  expect(asked()).toBe(1)
  await gateway.reload({ yaml: yaml('again', config(said.replace('"1"', '"2"'), size(3, passes))) })
  expect(asked()).toBe(2)
})

test('a start is refused like a reload, and all that is wrong is told', async () => {
  const functions = config(size(2, 'event: { type: trap }'), size(3, 'event: { type: reject }'))
  const refused = await createGateway({ yaml: yaml('refused', functions) })
  await expect(refused.start()).rejects.toThrow(/size@2 \(function\): probing: .*\nsize@3 \(function\): probing: /)
})
