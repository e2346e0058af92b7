/** Opens one isolated upstream for the conformance suite: a clock of its own, which sending moves on. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Sample, SourceHarness, Upstream } from '#conformance'
import type { Clock, Cursor } from '#connector'
import connector from './index.ts'

const START = Date.parse('2026-03-28T23:59:55Z')
const SECOND = 1_000

/** A clock that stands still until it is told; who waits for it looks again whenever it has moved. */
export class TestClock implements Clock {
  time: number
  /** How often somebody began to wait. */
  waits = 0
  constructor(time: number) {
    this.time = time
  }
  now = (): number => this.time
  async until(at: number, signal: AbortSignal): Promise<void> {
    const began = this.time
    this.waits += 1
    while (this.time < at && this.time === began) await sleep(1, undefined, { signal })
  }
}

/** A cursor kept in memory, readable by the test. */
export class TestCursor implements Cursor {
  value: string | undefined
  get = async (): Promise<string | undefined> => this.value
  async set(value: string): Promise<void> {
    this.value = value
  }
}

async function openClock(): Promise<Upstream> {
  const clock = new TestClock(START)
  const cursor = new TestCursor()
  return {
    config: { schedule: '* * * * * *', timezone: 'Europe/Berlin', catch_up: '1h' },
    context: { clock, cursor },
    async send(messages) {
      clock.time += messages.length * SECOND
      return messages.map(() => 'accepted' as const)
    },
    unacknowledged: async () => (clock.time - Date.parse(cursor.value?.split(' ')[0] ?? '')) / SECOND,
    async [Symbol.asyncDispose]() {},
  }
}

/** The message of a tick is its slot. */
const slots = (count: number, from: number): Sample[] =>
  Array.from({ length: count }, (_, i) => ({
    subject: 'under-test',
    data: Buffer.from(new Date(START + (from + i + 1) * SECOND).toISOString()),
  }))

export const cronHarness: SourceHarness = {
  connector,
  open: openClock,
  samples: slots,
  content: (event) => Buffer.from(event.id.slice('under-test/'.length)),
  exempt: {
    S8: 'a clock has no connection to cut',
    S9: 'a tick brings no data; what it carries is configured',
    S10: 'there is nothing to reach; a schedule or zone that cannot be is refused with the configuration',
  },
}
