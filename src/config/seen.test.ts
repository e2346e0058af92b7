/** What a load has seen of files: all that it read or missed, as it was before. */

import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { connectors } from '../../connectors/index.ts'
import { loadConfig } from './load.ts'
import { hasChanged, look, type Seen, see } from './seen.ts'

const ECHO = new URL('../../functions/echo/echo.wasm', import.meta.url).pathname

function folder(files: Readonly<Record<string, string>>): string {
  const path = mkdtempSync(join(tmpdir(), 'headgate-seen-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text)
  return path
}

test('a load has seen the folder and each file of it, what they name, and the functions', async () => {
  const path = folder({
    'a.yaml': `name: "\${file:token}"\npolicies: { small: small.policy }`,
    'b.yaml': 'routes: { r: { from: http, to: echo } }',
    'b.test.yaml': '[]',
    token: 'one',
    'small.policy': 'policies: { small: { maxMemoryPages: 256 } }',
  })
  const functions = join(path, 'functions')
  mkdirSync(join(functions, 'echo'), { recursive: true })
  copyFileSync(ECHO, join(functions, 'echo', 'echo@2.wasm'))
  const seen: Seen = new Map()
  await loadConfig(path, { connectors, functions, seen })
  const names = ['', 'a.yaml', 'b.yaml', 'token', 'small.policy', 'functions', 'functions/echo']
  const expected = [...names, 'functions/echo/echo@2.wasm'].map((name) => join(path, name)).sort()
  expect([...seen.keys()].map((file) => resolve(file)).sort()).toEqual(expected)
  expect(seen).toEqual(await look(seen.keys()))
  expect(await hasChanged(seen)).toBe(false)
  writeFileSync(join(path, 'token'), 'another')
  expect(await hasChanged(seen)).toBe(true)
})

test('one that is refused has seen what it came to, and what it missed', async () => {
  const path = folder({ 'a.yaml': `name: "\${file:token}"\nfunctions: { f: f.wasm }` })
  const seen: Seen = new Map()
  await expect(loadConfig(path, { connectors, seen })).rejects.toThrow('there is no such file')
  expect([...seen.keys()].map((file) => resolve(file)).sort()).toEqual(
    ['', 'a.yaml', 'f.wasm', 'token'].map((name) => join(path, name)).sort(),
  )
  for (const name of ['token', 'f.wasm']) {
    const missed: Seen = new Map([[join(path, name), seen.get(join(path, name)) ?? '']])
    expect(await hasChanged(missed)).toBe(false)
    writeFileSync(join(path, name), 'there')
    expect(await hasChanged(missed)).toBe(true)
  }
})

test('a file that is read twice is what it was first', async () => {
  const file = join(folder({ token: 'one' }), 'token')
  const seen: Seen = new Map()
  see(seen, file)
  writeFileSync(file, 'another')
  see(seen, file)
  expect(await hasChanged(seen)).toBe(true)
})
