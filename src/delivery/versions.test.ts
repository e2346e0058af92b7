/** Which versions a route is served for beside those that it sends events to. */

import { expect, test } from 'vitest'
import type { FunctionSpec } from '../pool/pool.ts'
import type { Route, Target } from '../router/route.ts'
import { readVersioned } from '../schema/index.ts'
import { allWithVersions, replacedLanes, withVersions } from './versions.ts'

const target = (text: string): Target => {
  const { name, version } = readVersioned(text)
  return { kind: 'function', text, name, ...(version === undefined ? {} : { version }) }
}

const route = (...to: readonly Target[]): Route => ({
  name: 'r',
  from: [{ kind: 'any' }],
  to,
  retry: { max: 0, backoff: 'constant', delayMs: 0, capMs: 0, jitter: 'none', except: [] },
  concurrency: 1,
  timeoutMs: 1,
  delivery: 'auto',
})

const spec = (text: string): FunctionSpec => {
  const { name, version } = readVersioned(text)
  const limits = { min: 0, max: 1, idleMs: 1, timeoutMs: 1, memoryBytes: 1, env: {} }
  return { name, ...(version === undefined ? {} : { version }), wasm: `${text}.wasm`, ...limits }
}

const lane = (to: string, name = 'r') => ({ route: name, to })

test('the other versions that are loaded', () => {
  const made = withVersions(route(target('f@3')), [spec('f@2'), spec('f@3'), spec('f@10'), spec('g@1')], [])
  expect(made.versions).toEqual([target('f@10'), target('f@2')])
  expect(replacedLanes([made], [lane('f@2'), lane('f@3')])).toEqual([])
})

test('in the place of a version that is gone, the newest that the route names', () => {
  const lanes = [lane('f@1'), lane('f'), lane('f@9', 'other'), lane('g@1'), lane('dead_letter: f@2'), lane('f@2')]
  const made = withVersions(route(target('f@2'), target('f@3')), [spec('f@2'), spec('f@3')], lanes)
  expect(made.versions).toEqual([
    { kind: 'function', text: 'f', name: 'f', version: '3' },
    { kind: 'function', text: 'f@1', name: 'f', version: '3' },
  ])
  expect(replacedLanes([made], lanes)).toEqual([lane('f@1'), lane('f')])
})

test('a function that has no version any more takes what began with one', () => {
  const made = withVersions(route(target('f')), [spec('f')], [lane('f@2')])
  expect(made.versions).toEqual([{ kind: 'function', text: 'f@2', name: 'f' }])
  expect(replacedLanes([made], [lane('f@2')])).toEqual([lane('f@2')])
})

test('a route is the same whatever the order of lanes, and as it was when there are none', () => {
  const plain = route(target('f@2'), { kind: 'sink', text: 's', name: 's' })
  expect(withVersions(plain, [spec('f@2')], [lane('s@1')])).toBe(plain)
  const lanes = [lane('f@1'), lane('f@0')]
  expect(withVersions(plain, [], lanes)).toEqual(withVersions(plain, [], lanes.toReversed()))
})

test('what is replaced goes on with the newest that gets events: not with one that was rolled back', () => {
  const weighted: Route = { ...route(target('f@2'), target('f@3')), weights: [100, 0] }
  const made = withVersions(weighted, [spec('f@2'), spec('f@3')], [lane('f@1')])
  expect(made.versions).toEqual([{ kind: 'function', text: 'f@1', name: 'f', version: '2' }])
})

test('very many routes have theirs in time that grows with their number', async () => {
  const routes = Array.from({ length: 5_000 }, (_, at): Route => ({ ...route(target('f@2')), name: `r${at}` }))
  const lanes = routes.flatMap(({ name }) => [lane('f@2', name), lane('f@1', name)])
  let turns = 0
  const begun = process.cpuUsage()
  const made = await allWithVersions(routes, [spec('f@2')], lanes, async () => {
    turns += 1
  })
  const { user } = process.cpuUsage(begun)
  expect(made.at(-1)).toEqual(withVersions(routes.at(-1) ?? route(), [spec('f@2')], [lane('f@1', 'r4999')]))
  expect(turns).toBe(5_000)
  // 40 ms; each route asked of all lanes took 8 s.
  expect(user / 1_000).toBeLessThan(1_000)
})
