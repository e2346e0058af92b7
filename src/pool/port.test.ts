/** The way out of a guest: what a guest that is dropped leaves behind. */

import { expect, test } from 'vitest'
import { Control, FIRST_SEAT } from './control.ts'
import { Line, Port } from './port.ts'

const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

test('a guest that sleeps and is dropped leaves no timer, which would keep it for as long', async () => {
  const before = timers()
  for (const arriving of [[], [new Promise(() => {})]]) {
    const port = new Port(new Line(new Control(), () => {}))
    port.open({ slot: FIRST_SEAT, callId: 'c' })
    const slept = port.first(arriving, 1_000_000)
    expect(timers()).toBe(before + 1)
    port.drop()
    expect(timers()).toBe(before)
    // What unwinds it.
    await expect(slept).rejects.toBeInstanceOf(WebAssembly.RuntimeError)
    expect(port.dropped).toBe(true)
  }
})

test('a guest that is dropped and waits again is unwound again, whatever it caught', async () => {
  const port = new Port(new Line(new Control(), () => {}))
  port.open({ slot: FIRST_SEAT, callId: 'c' })
  port.drop()
  await expect(port.wait(Promise.resolve(1))).rejects.toBeInstanceOf(WebAssembly.RuntimeError)
})
