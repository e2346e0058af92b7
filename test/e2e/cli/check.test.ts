/** `headgate check` runs the tests of configurations, and says what is not as they expect. */

import { execFile } from 'node:child_process'
import { globSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { headgate, repository, scratch } from './gateway.ts'

const folder = scratch()
afterAll(() => folder.remove())

const ROUTES = `functions:
  echo: ${join(repository, 'functions/echo/echo.wasm')}
routes:
  large:
    from: mqtt:orders/+
    when: data.amount > 100
    to: echo
    retry: 1
    tests:
      - { event: { data: { amount: 101 } }, to: echo }
      - { event: { data: { amount: 101 } }, reply: { amount: 101 } }
`
const good = folder.file('good.yaml', ROUTES)
const bad = folder.file(
  'bad.yaml',
  `${ROUTES}      - { name: small ones, too, event: { data: { amount: 3 } }, to: echo }
      - { event: { data: { amount: 300 } }, fail: always, to: echo }
  all:
    from: mqtt:orders/#
    to: mqtt:log
    tests: [{ event: {}, to: mqtt:log }]
`.replace('small ones, too', '"small ones, too"'),
)

test('tests that pass are counted for each route', async () => {
  const { code, out, err } = await headgate(['check', good], { cwd: folder.path })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toMatch(/^good: .*good\.yaml has .* 1 route\n {2}large {2}2 tests passed\n$/)
})

test('one that does not shows its place, what was expected and what came, and why', async () => {
  const { code, out, err } = await headgate(['check', bad], { cwd: folder.path })
  expect(code).toBe(1)
  expect(out).toMatch(/bad\.yaml has .*\n {2}large {2}2 of 4 tests failed\n {2}all {4}1 test passed\n$/)
  expect(err).toContain(`bad.yaml:12:9: routes.large: small ones, too
  to  expected  echo
      got       none

  headgate.test test-1 of /headgate/check
    came in by mqtt:orders/x at 2026-01-01T00:00:00.000Z`)
  expect(err).toContain('data.amount > 100 is not true; it saw data.amount = 3')
  expect(err).toMatch(/bad\.yaml:13:9: .*\n.*expected {2}echo\n.*none; 2 attempts, the last at echo: FUNCTION_TRAPPED/)
  expect(err).toMatch(
    /large -> echo {4}dead after 2 attempts, 1 s after it came in: FUNCTION_TRAPPED: echo \(function\)/,
  )
  expect(err.endsWith('headgate: 2 of 5 tests did not pass\n')).toBe(true)
})

test('one route alone, and JSON for machines', async () => {
  expect((await headgate(['check', bad, '--route', 'all'])).code).toBe(0)
  expect((await headgate(['check', bad, '--route', 'al'])).err).toContain('has no route "al"')
  const { code, out } = await headgate(['check', bad, '--json'])
  expect(code).toBe(1)
  const { ok, tests } = JSON.parse(out)
  expect({ ok, tests }).toMatchObject({ ok: false, tests: { passed: 3, failed: 2 } })
  expect(tests.results[2]).toMatchObject({
    line: 12,
    passed: false,
    differences: [{ what: 'to', expected: 'echo', got: 'none' }],
    events: [{ deliveries: [{ route: 'all' }] }],
  })
})

test('several configurations are checked each by itself', async () => {
  const wrong = folder.file('wrong.yaml', 'routes: { r: { from: any, to: nowhere } }\n')
  const { code, out, err } = await headgate(['check', wrong, good])
  expect(code).toBe(1)
  expect(out).toContain('2 tests passed')
  expect(err).toMatch(/wrong\.yaml:1:\d+: routes\.r\.to: .*"nowhere"/)
  expect(err).toContain('headgate: 1 configuration of 2 cannot be used')
})

const DATABASE_URL = 'postgres://localhost/shop'
const examples = globSync(join(repository, 'config/{headgate.yaml,examples/*.yaml}')).filter(
  (file) => !file.endsWith('.test.yaml'),
)

test('what is in config/ passes, and every route there has a test', async () => {
  const { code, err, out } = await headgate(['check', ...examples, '--json'], { env: { DATABASE_URL } })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  const all = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(all).toHaveLength(examples.length)
  for (const { config, routes, tests } of all) {
    const tested = new Set(tests.results.map(({ route }: { route: string }) => route))
    expect(tested.size, config).toBe(routes)
  }
})

/** Seconds, of all its threads: what else the machine does counts for little in it. */
async function processorTime(files: readonly string[]): Promise<number> {
  const script = 'TIMEFORMAT="%U %S"; time "$0" "$@" > /dev/null'
  const typed = [process.execPath, join(repository, 'bin/headgate.js'), 'check', ...files]
  const { stderr } = await promisify(execFile)('bash', ['-c', script, ...typed], {
    env: { ...process.env, DATABASE_URL, NODE_OPTIONS: '' },
  })
  const [user = Number.NaN, system = Number.NaN] = stderr.trim().split(/\s+/).map(Number)
  return user + system
}

/** Of one configuration it is 1 s on the machine of the figures, where all of them are to take less than 2. */
test('all of that takes less than three times the processor time of one of them', async () => {
  const [all, one]: [number[], number[]] = [[], []]
  while (all.length < 5 && !(Math.min(...all) < 3 * Math.min(...one))) {
    all.push(await processorTime(examples))
    one.push(await processorTime(examples.slice(0, 1)))
  }
  console.info(
    `check of ${examples.length} configurations: ${all.join(', ')} s of a processor; of one: ${one.join(', ')}`,
  )
  expect(Math.min(...all)).toBeLessThan(3 * Math.min(...one))
})

test('what is transpiled is there for the next check, where no gateway and nobody else looks', async () => {
  const own = scratch()
  const path = own.file('own.yaml', `journal: { path: ${own.path}/data/journal }\n${ROUTES}`)
  const env = { TMPDIR: own.path }
  // Its time is that of its last use; what is written anew is another file.
  const kept = () =>
    globSync(`${own.path}/headgate-functions-${process.getuid?.()}/*/*`).map((file) => [file, statSync(file).ino])
  expect(await headgate(['check', path], { env })).toMatchObject({ code: 0, err: '' })
  const first = kept()
  expect(first).toHaveLength(2)
  expect(await headgate(['check', path], { env })).toMatchObject({ code: 0, err: '' })
  expect(kept()).toEqual(first)
  own.remove()
})

test('nothing is left behind, neither beside the configuration nor where a gateway keeps what it needs', async () => {
  const own = scratch()
  const before = () => readdirSync(own.path, { recursive: true }).toSorted()
  const path = own.file('own.yaml', `journal: { path: ${own.path}/data/journal }\n${ROUTES}`)
  const held = before()
  const { code, err } = await headgate(['check', path], { cwd: own.path })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(before()).toEqual(held)
  own.remove()
})
