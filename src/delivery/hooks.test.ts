/** Who has a path of the HTTP face. */

import { expect, test } from 'vitest'
import { Hooks } from './hooks.ts'

test('a path has one taker at a time, and none once that has ended', () => {
  const hooks = new Hooks()
  const hook = async () => ({ status: 200 })
  const end = hooks.take('/storage/images', hook)
  expect(hooks.find('/storage/images')).toBe(hook)
  expect(hooks.find('/storage/other')).toBeUndefined()
  expect(() => hooks.take('/storage/images', async () => ({ status: 200 }))).toThrow(
    'http (hook): taking a path: another source takes "/storage/images" already',
  )
  end()
  const next = async () => ({ status: 200 })
  hooks.take('/storage/images', next)
  end()
  expect(hooks.find('/storage/images')).toBe(next)
})
