/** What is taken out of jco's output, by small pieces of its shape, and by a component in Rust. */

import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { guest } from '../../test/functions/open.ts'
import { lean } from './lean.ts'
import { transpileComponent } from './transpile.ts'

/** What jco makes of one import, as it is minified. */
const IMPORT =
  'let f=g.manuallyAsync?new WebAssembly.Suspending(s(0,low.bind(null,{paramLiftFns:[make()],fn:g}))):low.bind(null,{paramLiftFns:[make()],fn:g});'

const run = (body: string, low: (...given: unknown[]) => unknown, make: () => unknown): unknown =>
  new Function('low', 'make', 'g', body)(low, make, () => {})

test('describes an import when it is called first, and once', () => {
  const body = lean(`${IMPORT}return f`)
  let made = 0
  const given: unknown[][] = []
  const low = (...all: unknown[]) => given.push(all)
  const call = run(body, low, () => ++made) as (...all: unknown[]) => unknown
  expect(made).toBe(0)
  expect(call(7, 'a')).toBe(1)
  expect(call(8)).toBe(2)
  expect(made).toBe(1)
  expect(given[0]).toEqual([{ paramLiftFns: [1], fn: expect.any(Function) }, 7, 'a'])
  expect(given[1]).toEqual([given[0]?.[0], 8])
})

test('keeps both ways where imports wait', () => {
  const body = lean(`g.manuallyAsync=true;const s=(n,f)=>f;${IMPORT}return f`)
  expect(body).toContain('manuallyAsync?new WebAssembly.Suspending')
  expect(body.match(/lowerLater\(low,\(\)=>\(/g)).toHaveLength(2)
})

test('leaves out a promise of an export that nobody asks for, and not one that somebody does', () => {
  expect(lean('a();try{WebAssembly.promising(b.c)}catch{b.c}return d')).toMatch(/a\(\);return d$/)
  const kept = 'let e;try{e=WebAssembly.promising(b.c)}catch{e=b.c}return e'
  expect(lean(kept)).toBe(kept)
})

test('makes a class when it is first needed, and once', () => {
  const body = lean(
    'return instantiate();function instantiate(){made.push(`start`);class Table{static at=made.push(`Table`);Table(){return Table}}' +
      'class Task extends Table{static at=made.push(`Task`)}const {Table:table}={Table:1};' +
      'return()=>[new Task,new Task().Table()===Table,Table,new Table instanceof Task,table]}',
  )
  const made: string[] = []
  const call = new Function('made', body)(made) as () => unknown[]
  expect(made).toEqual(['start'])
  const [task, same, table, other, key] = call()
  expect(made).toEqual(['start', 'Table', 'Task'])
  expect([same, other, key]).toEqual([true, false, 1])
  expect(task).toBeInstanceOf(table)
  expect(call()[2]).toBe(table)
  expect(made).toHaveLength(3)
})

test.each([
  ['a short name', 'function instantiate(){class Abc{}return Abc}'],
  ['one that gives a property its name', 'function instantiate(){class Table{}return{Table}}'],
  ['one elsewhere', 'function other(){class Table{}return Table}'],
])('leaves a class as it is: %s', (_, body) => {
  expect(lean(body)).toBe(body)
})

test('leaves what has another shape as it is', () => {
  const other = 'const f=low.bind(null,{other:1});const h=low.bind(null,1,{paramLiftFns:[]});return f'
  expect(lean(other)).toBe(other)
})

test('knows the shape of what the pinned jco makes of a component in Rust', async () => {
  const { source } = await transpileComponent(await readFile(guest('hostile')))
  const body = Buffer.from(source).toString()
  expect(body.match(/lowerLater\(/g)?.length).toBeGreaterThan(50)
  expect(body).not.toMatch(/\.bind\(null,\{/)
  expect(body).not.toMatch(/manuallyAsync\s*\?/)
  expect(body).not.toContain('WebAssembly.promising(')
  expect(body.match(/=>its\w+\?\?=class /g)?.length).toBeGreaterThan(5)
}, 60_000)
