/** The options of a function as they are written. */

import { expect, test } from 'vitest'
import { functionConfig } from './config.ts'

const NOTHING = {
  http: { to: [], requests: 32, request_size: 1 << 20, response_size: 4 << 20, timeout: 10_000 },
  kv: [],
  dirs: [],
  config: {},
  messaging: { publish: [], request: [] },
  call: [],
}
const FULL = {
  wasm: 'a.wasm',
  pool: { min: 1, max: 8, idle: 60_000 },
  timeout: 30_000,
  memory: 64 << 20,
  env: {},
  allow: NOTHING,
  output: 'plain',
  record: { when: 'failure', limit: 65_536 },
  call: true,
}

test('a path is short for a function with every default', () => {
  expect(functionConfig.parse('a.wasm')).toEqual(FULL)
  expect(functionConfig.parse({ wasm: 'a.wasm' })).toEqual(FULL)
})

test('every option is read', () => {
  const written = {
    wasm: 'a.wasm',
    version: 2,
    pool: {
      min: 0,
      max: 2,
      idle: '30s',
      reuse: '400-600',
      warm: [{ schedule: '0 8 * * MON-FRI', min: 2, timezone: 'Europe/Berlin', for: '10h' }],
    },
    timeout: '500ms',
    memory: '32MiB',
    env: { SIZE: '10' },
    allow: { kv: ['thumbnails'] },
    output: 'outcome',
    record: 'always',
    probe: { event: { type: 'probe', data: { n: 1 } }, reply: 'ok', timeout: '1s' },
    approve: ['wasi:sockets'],
    call: false,
  }
  expect(functionConfig.parse(written)).toEqual({
    wasm: 'a.wasm',
    version: '2',
    pool: {
      min: 0,
      max: 2,
      idle: 30_000,
      reuse: { least: 400, most: 600 },
      warm: [{ schedule: '0 8 * * MON-FRI', min: 2, timezone: 'Europe/Berlin', for: 36_000_000 }],
    },
    timeout: 500,
    memory: 32 << 20,
    env: { SIZE: '10' },
    allow: { ...NOTHING, kv: ['thumbnails'] },
    output: 'outcome',
    record: { when: 'always', limit: 65_536 },
    probe: { event: { type: 'probe', data: { n: 1 } }, reply: 'ok', timeout: 1_000 },
    approve: ['wasi:sockets'],
    call: false,
  })
})

test('a number of calls is a range of one', () => {
  expect(functionConfig.parse({ wasm: 'a.wasm', pool: { reuse: 1 } }).pool.reuse).toEqual({ least: 1, most: 1 })
})

test('what is not an option, and what contradicts itself, is an error', () => {
  for (const wrong of [
    {},
    '',
    { wasm: 'a.wasm', allow: { http: 'example.com' } },
    { wasm: 'a.wasm', pool: { min: 3, max: 2 } },
    { wasm: 'a.wasm', pool: { max: 0 } },
    { wasm: 'a.wasm', pool: { reuse: 0 } },
    { wasm: 'a.wasm', pool: { reuse: '600-400' } },
    { wasm: 'a.wasm', pool: { reuse: '1..5' } },
    { wasm: 'a.wasm', pool: { warm: [{ schedule: '0 8 * *', min: 2 }] } },
    { wasm: 'a.wasm', pool: { warm: [{ schedule: '0 8 * * *', min: 9 }] } },
    { wasm: 'a.wasm', pool: { warm: [{ schedule: '0 8 * * *', min: 2, timezone: 'Mars' }] } },
    { wasm: 'a.wasm', pool: { warm: [{ schedule: '0 8 * * *', min: 2, for: '8d' }] } },
    { wasm: 'a.wasm', timeout: 30 },
    { wasm: 'a.wasm', env: { SIZE: 10 } },
    { wasm: 'a.wasm', version: 'a b' },
  ])
    expect(functionConfig.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false)
})
