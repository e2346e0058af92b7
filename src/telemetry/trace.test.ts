/** Trace headers in and out, by the rules of W3C Trace Context. */

import { expect, test } from 'vitest'
import { nextHop } from './trace.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = `00-${TRACE}-b7ad6b7169203331-01`
const id = (bytes: number) => 'ab'.repeat(bytes)
const hop = (traceparent?: string, tracestate?: string) =>
  nextHop({ ...(traceparent !== undefined && { traceparent }), ...(tracestate !== undefined && { tracestate }) }, id)

const CONTINUED = `00-${TRACE}-${'ab'.repeat(8)}-01`
const FRESH = `00-${'ab'.repeat(16)}-${'ab'.repeat(8)}-01`

test('goes on with the trace under a new parent id', () => {
  expect(hop(PARENT)).toEqual({ traceparent: CONTINUED })
  expect(hop(PARENT.replace(/01$/, '00')).traceparent).toBe(CONTINUED.replace(/01$/, '00'))
})

test.each([
  ['nothing', undefined],
  ['upper case', PARENT.toUpperCase()],
  ['version ff', PARENT.replace(/^00/, 'ff')],
  ['a trace id of zeros', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`],
  ['a parent id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['more than version 00 has', `${PARENT}-extra`],
  ['no dash after the flags', `${PARENT}.`],
  ['too short a trace id', `00-${TRACE.slice(1)}-b7ad6b7169203331-01`],
  ['characters that are no hexadecimal', `00-${TRACE.replace('0', '.')}-b7ad6b7169203331-01`],
])('begins a new trace for %s, without the state', (_, traceparent) => {
  expect(hop(traceparent, 'a=1')).toEqual({ traceparent: FRESH })
})

test('reads a later version as far as it knows it', () => {
  expect(hop(`cc-${TRACE}-b7ad6b7169203331-01-what-comes-later`).traceparent).toBe(CONTINUED)
  expect(hop(`cc-${TRACE}-b7ad6b7169203331-01.what`).traceparent).toBe(FRESH)
})

test('passes on no flags that it does not know', () => {
  expect(hop(PARENT.replace(/01$/, 'ff')).traceparent).toBe(CONTINUED)
  expect(hop(PARENT.replace(/01$/, '02')).traceparent).toBe(CONTINUED.replace(/01$/, '00'))
})

test.each([
  ['a=1,b=2', 'a=1,b=2'],
  ['a=1 , \tb=2', 'a=1,b=2'],
  ['a=1,,b=2', 'a=1,b=2'],
  ['tenant@vendor=x', 'tenant@vendor=x'],
  [Array.from({ length: 32 }, (_, i) => `k${i}=v`).join(), Array.from({ length: 32 }, (_, i) => `k${i}=v`).join()],
])('keeps the state %s', (tracestate, kept) => {
  expect(hop(PARENT, tracestate).tracestate).toBe(kept)
})

test.each([
  '',
  'a',
  'a=',
  'A=1',
  'a=1,a=2',
  'a=1=2',
  'a@b@c=1',
  `a=${'x'.repeat(257)}`,
  Array.from({ length: 33 }, (_, i) => `k${i}=v`).join(),
])('drops a state that breaks a rule, not the trace: %s', (tracestate) => {
  expect(hop(PARENT, tracestate)).toEqual({ traceparent: CONTINUED })
})

test('new ids differ', () => {
  expect(nextHop({}).traceparent).not.toBe(nextHop({}).traceparent)
  expect(nextHop({}).traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
})
