/** Which version is the newer one. */

import { expect, test } from 'vitest'
import { compareVersions, newest, readVersioned, versioned } from './version.ts'

test.each([
  ['1', '2'],
  ['9', '10'],
  ['1.9.0', '1.10.0'],
  ['1.2', '1.2.0'],
  ['2.0.0-rc.1', '2.0.0'],
  ['2.0.0-rc.2', '2.0.0-rc.10'],
  ['2.0.0-alpha', '2.0.0-beta'],
  ['1.9.9', '2.0.0-rc.1'],
  ['v9', 'v10'],
  ['v1', '2'],
  ['2026-01-31', '2026-02-01'],
  ['20260131120000123456', '20260131120000123457'],
  ['7', 'blue'],
  ['2', 'v2'],
  [undefined, '0'],
])('%s is older than %s', (older, newer) => {
  expect(Math.sign(compareVersions(older, newer))).toBe(-1)
  expect(Math.sign(compareVersions(newer, older))).toBe(1)
  expect(compareVersions(newer, newer)).toBe(0)
})

test('the newest of several', () => {
  expect(newest([{ version: '2' }, { version: '10' }, {}, { version: '9' }])).toEqual({ version: '10' })
  expect(newest([])).toBeUndefined()
})

test('what is read is written', () => {
  expect(readVersioned('resize@2.0.0-rc.1')).toEqual({ name: 'resize', version: '2.0.0-rc.1' })
  expect(['resize', 'resize@2'].map((text) => versioned(readVersioned(text)))).toEqual(['resize', 'resize@2'])
})
