/** Each option there is makes another configuration when it is written: none is read and forgotten. */

import { expect, test } from 'vitest'
import * as z from 'zod'
import { connectors } from '../../connectors/index.ts'
import { parse } from './harness.ts'
import { configSchema } from './sections.ts'

type Schema = z.core.JSONSchema.BaseSchema

/** What an option needs beside it, by where it stands. */
const BESIDE: Readonly<Record<string, object>> = {
  'routes.*: canary': { from: 'mqtt:a', to: { 'h@1': 1, 'h@2': 1 } },
  'routes.*': { from: 'mqtt:a', to: 'f' },
  'routes.*.concurrency': { limit: 5, key: 'id' },
  'routes.*.debounce': { key: 'type', wait: '1s' },
  'routes.*.dedupe': { key: 'type', window: '1s' },
  'routes.*.dead_letter': { mqtt: 'b' },
  'routes.*.fallback': { mqtt: 'b' },
  'routes.*.rate': { limit: 5, per: '1s' },
  'routes.*.to': { mqtt: 'b' },
  ': functions': { policies: { p: { maxMemoryPages: 16 } } },
  ': policies': { functions: { f: { wasm: 'x.wasm', policy: 'f', allow: {}, env: {} } } },
  'functions.*': { wasm: 'x.wasm' },
  'functions.*.allow.http': { to: ['a.example'] },
}

/** Values of what is text, or may be several things; all else gets a value by its type. */
const VALUES: Readonly<Record<string, unknown>> = {
  'broker.listen': ['tcp://127.0.0.1:2883'],
  'functions.*.allow.call': ['f'],
  'functions.*.allow.config': { a: 'b' },
  'functions.*.allow.dirs': [{ guest: '/data', host: 'data' }],
  'functions.*.allow.http': ['a.example'],
  'functions.*.allow.http.to': ['b.example'],
  'functions.*.allow.kv': ['thumbnails'],
  'functions.*.allow.messaging.publish': ['a/#'],
  'functions.*.allow.messaging.request': ['a/+'],
  'functions.*.approve': ['wasi:sockets'],
  'functions.*.env': { A: 'b' },
  'functions.*.pool.warm': [{ schedule: '@daily', min: 2 }],
  'functions.*.policy': 'p',
  'functions.*.probe.event.data': 1,
  'functions.*.probe.reply': 1,
  'functions.*.version': 2,
  'http.webhook.origins': ['shop.example'],
  'policies.*.allowedDirs': [{ guestPath: '/data', hostPath: 'data' }],
  'policies.*.allowedHosts': ['a.example'],
  'routes.*.dead_letter': 'mqtt:b',
  'routes.*.fallback': 'g',
  'routes.*.filters': [{ exact: { type: 'a' } }],
  'routes.*.from': 'mqtt:other',
  'routes.*.retry.except': ['TimeoutError'],
  'routes.*.to': 'g',
  'routes.*.when': 'type == "a"',
  'stores.*.redis': 'redis://127.0.0.1:6379/0',
}

/**
 * Told elsewhere: what a technology takes beside it, tests by `headgate check`, `event_sources` by what they expand to, and
 * what is a mistake beyond a bound, and else as it was.
 */
const ELSEWHERE = /^(sources|sinks|event_sources|services|policies\.\*\.allowedEnvVars$|routes\.\*\.(tests|filters\.))/

const schema: Schema = z.toJSONSchema(configSchema(connectors), {
  io: 'input',
  unrepresentable: 'any',
  reused: 'inline',
})

const isSchema = (given: unknown): given is Schema => typeof given === 'object' && given !== null

/** The paths of all options; `*` stands for a name. */
function* optionsIn(part: Schema, path: readonly string[] = []): Generator<readonly [string, Schema]> {
  for (const one of part.anyOf ?? []) if (isSchema(one)) yield* optionsIn(one, path)
  if (isSchema(part.additionalProperties)) yield* optionsIn(part.additionalProperties, [...path, '*'])
  for (const [key, held] of Object.entries(part.properties ?? {})) {
    const at = [...path, key]
    if (!isSchema(held) || ELSEWHERE.test(at.join('.'))) continue
    if (at.length > 1) yield [at.join('.'), held]
    yield* optionsIn(held, at)
  }
}

/** Another value than the one without it. */
function otherValue(path: string, { anyOf, default: given, enum: names, format, type }: Schema): unknown {
  if (path in VALUES) return VALUES[path]
  if (names) return names.findLast((name) => name !== given)
  if (format === 'duration') return '77s'
  if (format === 'size') return '77KiB'
  if (format === 'host:port') return '127.0.0.1:7777'
  if (type === 'boolean') return given !== true
  if (type === 'number') return 0.25
  if (type === 'string') return 'other'
  if (type === 'integer' || anyOf?.some((one) => isSchema(one) && one.type === 'integer'))
    return (typeof given === 'number' ? given : 1) + 1
  return undefined
}

/** Puts a value at a path, and beside each of its keys what that needs. */
function write(path: readonly string[], value: unknown, at = ''): unknown {
  const [key, ...rest] = path
  if (key === undefined) return value
  const here = at === '' ? key : `${at}.${key}`
  const inner = write(rest, value, here)
  const needs = BESIDE[`${at}: ${key}`] ?? BESIDE[at] ?? {}
  return key === '*' ? { f: inner } : { ...needs, ...(inner === undefined ? {} : { [key]: inner }) }
}

const read = (written: unknown): object => {
  const functions = { f: 'f.wasm', g: 'g.wasm', 'h@1': 'h1.wasm', 'h@2': 'h2.wasm' }
  const { expanded, ...config } = parse(JSON.stringify(Object.assign({ functions }, written)))
  return config
}

const options = new Map(optionsIn(schema))
// A group of options counts by what it holds, and one that may also be a number by that.
const leaves = [...options].filter(([path, part]) => otherValue(path, part) !== undefined)

test.each(leaves)('%s', (path, part) => {
  const keys = path.split('.')
  const value = otherValue(path, part)
  expect(read(write(keys, value))).not.toEqual(read(write(keys, undefined)))
})

test('no option is left out', () => {
  const told = new Set(leaves.map(([path]) => path))
  const groups = (path: string) => [...told].some((other) => other.startsWith(`${path}.`))
  const left = [...options.keys()].filter((path) => !told.has(path) && !groups(path))
  expect(left, 'VALUES says what is written for these').toEqual([])
  expect(told.size).toBeGreaterThan(80)
})
