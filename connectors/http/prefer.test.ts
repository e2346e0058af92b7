/** The Prefer header: what is understood, and what is not wanted of us. */

import { expect, test } from 'vitest'
import { readPreferences } from './prefer.ts'

test.each([
  [undefined, { respondAsync: false }],
  ['', { respondAsync: false }],
  ['respond-async', { respondAsync: true }],
  ['Respond-Async, Wait=10', { respondAsync: true, waitMs: 10_000 }],
  ['wait = "3"', { respondAsync: false, waitMs: 3_000 }],
  ['wait=1; x=y, wait=2', { respondAsync: false, waitMs: 1_000 }],
  ['wait=-1, wait=1.5, wait=9999999', { respondAsync: false }],
  ['return=minimal, respond-async-x', { respondAsync: false }],
])('%j', (prefer, wanted) => {
  expect(readPreferences(prefer)).toEqual(wanted)
})
