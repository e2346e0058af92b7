/** Whole files in the `event_sources` form, and what they stand for. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { mistakes, options } from '../harness.ts'
import { expandForm, loadConfig } from '../load.ts'
import type { ConfigError } from '../problem.ts'

const FIXTURES = join(import.meta.dirname, 'fixtures')
const read = (name: string): string => readFileSync(join(FIXTURES, name), 'utf8')
const env = { DATABASE_URL: 'postgres://me:swordfish@db/shop', PORT: '7' }

describe('expands to the file beside it', () => {
  test.each(['configmap', 'bare'])('%s.yaml', async (name) => {
    const found = await expandForm(join(FIXTURES, `${name}.yaml`), { ...options, env })
    expect(found?.yaml).toBe(read(`${name}.expanded.yaml`))
    expect(found?.value).toEqual(parseYaml(read(`${name}.expanded.yaml`)))
  })

  test('a configuration of our own form has no expansion', async () => {
    const file = join(import.meta.dirname, '../../../config/headgate.yaml')
    expect(await expandForm(file, options)).toBeUndefined()
  })
})

test('a bare file loads', async () => {
  const loading = loadConfig(join(FIXTURES, 'bare.yaml'), { ...options, env })
  const refusal = await loading.then(
    () => undefined,
    (error: ConfigError) => error.problems.map(({ path, message }) => `${path}: ${message}`),
  )
  // That file alone is missing: nothing else is wrong.
  expect(refusal).toEqual(['functions.hello: there is no file "hello.wasm"'])
})

test('of a ConfigMap, each connector and function that is not there is told with its line; other objects are passed over', () => {
  const notes: string[] = []
  const found = mistakes(read('configmap.yaml'), { env, note: (text) => notes.push(text) })
  expect(notes).toEqual(['x.yaml:90: passed over: Deployment "event-router"'])
  const lines = read('configmap.yaml').split('\n')
  const shown = found.map((text) => {
    const [, line, column, rest = ''] = /^(\d+):(\d+) event_sources\S+: (.*?)(?: \|.*)?$/.exec(text) ?? []
    return `${lines[Number(line) - 1]?.slice(Number(column) - 1)} <- ${rest}`
  })
  expect(shown).toEqual([
    'user-api <- there is no function or sink "user-api"',
    'image-processor <- there is no function or sink "image-processor"',
    'user-sync <- there is no function or sink "user-sync"',
    'order-processor <- there is no function or sink "order-processor"',
    'image-processor <- there is no function or sink "image-processor"',
    'cleanup <- there is no function or sink "cleanup"',
    'report <- there is no function or sink "report"',
    'user-sync <- there is no function or sink "user-sync"',
    'order-processor <- there is no function or sink "order-processor"',
    'image-processor <- there is no function or sink "image-processor"',
  ])
})

test('the form is YAML of a ConfigMap in quotes, too, and its places are still those of the file', () => {
  const found = mistakes(`apiVersion: v1
kind: ConfigMap
metadata: { name: a }
data:
  router: "event_sources:\\n  - type: http\\n    config:\\n      routes:\\n        - path: x\\n\\
    \\          target_function: f\\n"
`)
  expect(found.map((line) => line.split(' |')[0])).toEqual([
    '5:88 event_sources.0.config.routes.0.path: the path "x" does not begin with /',
    '6:33 event_sources.0.config.routes.0.target_function: there is no function or sink "f"',
  ])
})

test.each([
  ['objects alone', 'apiVersion: v1\nkind: Service\nmetadata: { name: a }', 'none is a ConfigMap that holds'],
  [
    'two ConfigMaps',
    `${[1, 2].map(() => read('configmap.yaml')).join('\n---\n')}`,
    'event_sources: this is defined twice, first in x.yaml:11',
  ],
  [
    'no YAML inside',
    'apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n    event_sources:\n      - [\n',
    'this is not YAML',
  ],
  [
    'two documents inside',
    'apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n    event_sources: []\n    ---\n    b: 1\n',
    '6:5',
  ],
  ['an unset variable', read('configmap.yaml').replace('DATABASE_URL', 'DATABASE'), 'DATABASE is not set'],
])('is refused: %s', (_, text, message) => {
  expect(mistakes(text, { env }).join('\n')).toContain(message)
})

test('a password in a connection string is shown by none of it', async () => {
  const text = read('configmap.yaml').replace(/\$\{DATABASE_URL\}/, 'postgres://me:swordfish@db/shop')
  expect(mistakes(text, { env }).join('\n')).not.toContain('swordfish')
})
