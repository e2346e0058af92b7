/** What checking several configurations comes to: each is told apart, and tests beside one are run with it. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { connectors } from '../../connectors/index.ts'
import { checkAll } from './checked.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-check-'))
afterAll(() => rmSync(folder, { recursive: true }))

const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

const route = (test: string): string =>
  `routes: { a: { from: mqtt:a, to: mqtt:b, tests: [{ event: {}, to: "${test}" }] } }`

test('each has its results or its mistakes, in order; a file of tests is no configuration', async () => {
  const good = file('good.yaml', route('mqtt:b'))
  const beside = file('good.test.yaml', '[{ route: a, event: {}, to: none }]')
  const wrong = file('wrong.yaml', 'nmae: x')
  const found = await checkAll([good, beside, wrong], { connectors, env: {}, tests: true }, undefined)
  expect([...found.keys()]).toEqual([good, wrong])
  expect(found.get(good)).toMatchObject({ results: [{ passed: true }, { passed: false, file: beside }] })
  expect(found.get(wrong)).toMatchObject({ error: { code: 'CONFIG_INVALID' } })
})

test('with a route, its tests alone are run; one that is not there is the mistake of who asks', async () => {
  const path = file('one.yaml', route('none'))
  const how = { connectors, env: {} }
  expect((await checkAll([path], how, 'a')).get(path)).toMatchObject({ results: [{ passed: false }] })
  expect((await checkAll([path], how, 'b')).get(path)).toMatchObject({
    error: { message: `--route: ${path} has no route "b"` },
  })
})
