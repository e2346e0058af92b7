/** Tests of the clock that never goes back. */

import { expect, test } from 'vitest'
import { LastingClock } from './clock.ts'

const NOON = Date.UTC(2026, 5, 1, 12)
const HOUR = 3_600_000

class Machine {
  wall = NOON
  passed = 5_000
  readonly clock = new LastingClock(
    () => this.wall,
    () => this.passed,
  )

  pass(ms: number): number {
    this.wall += ms
    this.passed += ms
    return this.clock.now() - NOON
  }

  set(by: number): number {
    this.wall += by
    return this.clock.now() - NOON
  }
}

test('set back, it goes on from where it was; set ahead again, it is where the machine is', () => {
  const machine = new Machine()
  expect(machine.pass(1_000)).toBe(1_000)
  expect(machine.set(-3 * HOUR)).toBe(1_000)
  expect(machine.pass(500)).toBe(1_500)
  expect(machine.clock.wall() - NOON).toBe(1_500 - 3 * HOUR)
  expect(machine.set(HOUR)).toBe(1_500)
  expect(machine.set(4 * HOUR)).toBe(1_500 + 2 * HOUR)
  expect(machine.clock.now()).toBe(machine.wall)
})

test('set ahead, time has passed, as after a sleep of the machine', () => {
  const machine = new Machine()
  expect(machine.set(HOUR)).toBe(HOUR)
  expect(machine.pass(1)).toBe(HOUR + 1)
})

test('set back while nobody asked, it has still passed', () => {
  const machine = new Machine()
  machine.wall += 60_000 - 3 * HOUR
  machine.passed += 60_000
  expect(machine.clock.now() - NOON).toBe(60_000)
})

test('small corrections are followed, and never go back', () => {
  const machine = new Machine()
  expect(machine.set(-400)).toBe(0)
  expect(machine.pass(300)).toBe(0)
  expect(machine.pass(300)).toBe(200)
  expect(machine.set(700)).toBe(900)
})

test('it is not before what a journal was told', () => {
  const machine = new Machine()
  machine.clock.notBefore(NOON - 1)
  expect(machine.clock.now()).toBe(NOON)
  machine.clock.notBefore(NOON + HOUR)
  expect(machine.pass(5)).toBe(HOUR + 5)
  expect(machine.set(2 * HOUR)).toBe(2 * HOUR + 5)
})

test('a timer of it waits for as long as it says, whatever the machine shows meanwhile', async () => {
  const machine = new Machine()
  machine.set(-HOUR)
  const begun = performance.now()
  await new Promise<void>((resolve) => machine.clock.at(machine.clock.now() + 20, resolve))
  expect(performance.now() - begun).toBeLessThan(10_000)
})
