/** Tests of a configuration change no folder that a function is allowed. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { connectors } from '../../connectors/index.ts'
import { parseConfig } from '../config/index.ts'
import { Functions, runTests, setScene } from './index.ts'

const GUEST = fileURLToPath(
  new URL('../../test/functions/guests/hostile-program/hostile-program.wasm', import.meta.url),
)
const folder = mkdtempSync(join(tmpdir(), 'headgate-scratch-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Where temporary files go meanwhile. */
const temporary = join(folder, 'tmp')
const { TMPDIR } = process.env
beforeEach(() => {
  mkdirSync(temporary)
  process.env['TMPDIR'] = temporary
})
afterEach(() => {
  if (TMPDIR === undefined) delete process.env['TMPDIR']
  else process.env['TMPDIR'] = TMPDIR
})

test('what a function writes in a test is in no folder that it is allowed, and gone with the test', async () => {
  for (const name of ['out', 'in']) {
    mkdirSync(join(folder, name))
    writeFileSync(join(folder, name, 'a.txt'), name)
  }
  const text = `
functions:
  f:
    wasm: ${GUEST}
    allow: { dirs: [{ guest: /out, host: ${folder}/out, write: true }, { guest: /in, host: ${folder}/in }] }
routes:
  r:
    from: mqtt:a
    to: f
    tests:
      - { event: { type: file, subject: "list /in; list /out; write /out/b.txt x; read /out/b.txt" }, reply: "a.txt; ; ok; x" }
      - { event: { type: file, subject: "size /out/b.txt; read /in/a.txt" }, reply: "NotFound 44; in" }
`
  const config = parseConfig(text, join(folder, 'headgate.yaml'), { connectors, env: {} })
  {
    await using functions = new Functions()
    const pool = () => functions.pool(config)
    const told = await runTests(config.tests, setScene(config, connectors, { pool, host: functions.host }))
    expect(told.map(({ differences }) => differences)).toEqual([[], []])
    expect(readdirSync(temporary).filter((name) => name.startsWith('headgate-check-'))).toHaveLength(1)
  }
  expect(readdirSync(join(folder, 'out'))).toEqual(['a.txt'])
  expect(readFileSync(join(folder, 'out', 'a.txt'), 'utf8')).toBe('out')
  expect(readdirSync(temporary).filter((name) => name.startsWith('headgate-check-'))).toEqual([])
})
