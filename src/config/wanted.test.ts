/** A folder of functions: what is found there and wanted needs no entry. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mistakes, parse } from './harness.ts'

const functions = mkdtempSync(join(tmpdir(), 'headgate-functions-'))
afterAll(() => rmSync(functions, { recursive: true, force: true }))
beforeAll(() => {
  mkdirSync(join(functions, 'nested'))
  for (const file of ['flat.wasm', 'spare.wasm', 'sink.wasm', 'readme.md', 'nested/nested.wasm'])
    writeFileSync(join(functions, file), '')
})

const schedules = (...targets: readonly string[]): string =>
  `event_sources:
- type: cron
  config:
    schedules:
${targets.map((name) => `    - { name: ${name}, schedule: "0 0 * * *", target_function: ${name} }`).join('\n')}
`

test('what is wanted and found is a function; what is only found is none', () => {
  const { functions: found } = parse(schedules('flat', 'nested'), { functions })
  expect(found).toMatchObject([
    { name: 'flat', wasm: join(functions, 'flat.wasm') },
    { name: 'nested', wasm: join(functions, 'nested', 'nested.wasm') },
  ])
})

test('an entry goes before the folder, and may stand beside it', () => {
  const { functions: found } = parse(
    `functions: { flat: { wasm: mine.wasm, version: 2 } }\n${schedules('flat', 'nested')}`,
    {
      functions,
    },
  )
  expect(found).toMatchObject([
    { name: 'flat', version: '2', wasm: expect.stringMatching(/mine\.wasm$/) },
    { name: 'nested', wasm: join(functions, 'nested', 'nested.wasm') },
  ])
})

test('targets, lists of them, weights and services of our own form are wanted, too; sinks are not', () => {
  const config = parse(
    `sinks: { sink: { store: { url: x } } }
routes: { a: { from: any, to: [flat, sink] }, b: { from: any, to: { nested: 90, flat: 10 } } }
services: { desk: { one: spare } }`,
    { functions },
  )
  expect(config.functions.map(({ name }) => name)).toEqual(['flat', 'nested', 'spare'])
  expect(config.routes[0]?.to).toMatchObject([{ kind: 'function' }, { kind: 'sink' }])
})

test('those that are missing are told together, each with the line that wants it and the nearest that is there', () => {
  expect(mistakes(schedules('flat', 'fltt', 'absent'), { functions })).toEqual([
    '6:61 event_sources.0.config.schedules.1.target_function: there is no function or sink "fltt" | did you mean "flat"?',
    `7:63 event_sources.0.config.schedules.2.target_function: there is no function or sink "absent" | the folder "${functions}" holds no "absent.wasm"; there are flat, nested, sink, spare`,
  ])
  expect(mistakes(schedules('absent'))).toEqual([
    '5:63 event_sources.0.config.schedules.0.target_function: there is no function or sink "absent" | --functions <folder> says where "absent.wasm" lies; there is none yet',
  ])
})

test('a folder that is not there is refused', () => {
  const refused = `1:1 : there is no such folder of functions`
  expect(mistakes(schedules('flat'), { functions: join(functions, 'none') })).toEqual([refused])
})

test('what a fallback names is wanted, too', () => {
  const config = parse('routes: { a: { from: any, to: flat, fallback: nested } }', { functions })
  expect(config.functions.map(({ name }) => name)).toEqual(['flat', 'nested'])
  expect(mistakes('routes: { a: { from: any, to: flat, fallback: nestd } }', { functions }).join()).toContain(
    'routes.a.fallback: there is no function or sink "nestd" | did you mean "nested"?',
  )
})
