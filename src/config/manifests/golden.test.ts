/** Whole files of manifests, and what they stand for. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { options, parse } from '../harness.ts'
import { expandForm } from '../load.ts'

const FIXTURES = join(import.meta.dirname, 'fixtures')
const read = (name: string): string => readFileSync(join(FIXTURES, name), 'utf8')
const env = { TOKEN: 'swordfish' }

test.each(['images'])('%s.yaml expands to the file beside it', async (name) => {
  const found = await expandForm(join(FIXTURES, `${name}.yaml`), { ...options, env })
  expect(found?.yaml).toBe(read(`${name}.expanded.yaml`))
  expect(found?.value).toEqual(parseYaml(read(`${name}.expanded.yaml`)))
})

test('what it stands for is a configuration without mistakes', () => {
  const notes: string[] = []
  const { functions, routes, sources, sinks } = parse(read('images.yaml'), { env, note: (text) => notes.push(text) })
  expect([functions.length, routes.length, sources.length, sinks.length]).toEqual([3, 7, 4, 1])
  expect(functions[0]).toMatchObject({
    name: 'thumbnails',
    version: '2',
    min: 0,
    max: 4,
    timeoutMs: 90_000,
    memoryBytes: 128 * 2 ** 20,
    env: { MAX_SIZE: '10485760', TOKEN: 'swordfish' },
  })
  // Each thing that is not used is told.
  expect(notes).toEqual([
    'x.yaml:62: passed over: Service "shop"',
    expect.stringMatching(/^x\.yaml:17: passed over: resources\.limits\.cpu of WasmFunction "thumbnails": a call is/),
    expect.stringMatching(/^x\.yaml:18: passed over: resources\.requests of WasmFunction "thumbnails": nothing is/),
  ])
})
