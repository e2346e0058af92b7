/** Readiness tells the truth: each check by name, what is wrong, and no check that hangs. */

import { expect, test } from 'vitest'
import { Readiness } from './readiness.ts'

test('each check is named, and says what is wrong', async () => {
  const readiness = new Readiness()
  let listening = false
  readiness.add('journal', async () => {})
  readiness.add('function f', () => Promise.reject(new Error('f (function): loading: not Wasm')))
  readiness.demand('broker', () => listening, 'it does not listen')
  expect(await readiness.ready()).toEqual([
    { name: 'journal', ok: true },
    { name: 'function f', ok: false, detail: 'f (function): loading: not Wasm' },
    { name: 'broker', ok: false, detail: 'it does not listen' },
  ])
  listening = true
  expect((await readiness.ready()).at(-1)).toEqual({ name: 'broker', ok: true })
})

test('a check may say something and hold', async () => {
  const readiness = new Readiness()
  let open: string | undefined
  readiness.note('breakers', () => open)
  expect(await readiness.ready()).toEqual([{ name: 'breakers', ok: true }])
  open = 'open: orders -> shop'
  expect(await readiness.ready()).toEqual([{ name: 'breakers', ok: true, detail: 'open: orders -> shop' }])
})

test('a gateway that failed is neither alive nor ready, for the first reason there was', async () => {
  const readiness = new Readiness()
  expect(readiness.alive()).toBe(true)
  readiness.fail(new Error('journal sync failed'))
  readiness.fail(new Error('later'))
  expect(readiness.alive()).toBe(false)
  expect(await readiness.ready()).toEqual([{ name: 'gateway', ok: false, detail: 'journal sync failed' }])
})
