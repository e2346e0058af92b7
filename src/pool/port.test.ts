/** The way out of a guest: what a guest that is dropped leaves behind. */

import { expect, test } from 'vitest'
import { Control, FIRST_SEAT } from './control.ts'
import { Line, Port } from './port.ts'

const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

test('a guest that sleeps and is dropped leaves no timer, which would keep it for as long', async () => {
  const port = new Port(new Line(new Control(), () => {}))
  port.open({ slot: FIRST_SEAT, callId: 'c' })
  const before = timers()
  void port.first([], 1_000_000)
  void port.first([new Promise(() => {})], 2_000_000)
  expect(timers()).toBe(before + 2)
  port.drop()
  expect(timers()).toBe(before)
})
