/** What a journal must do for routes that say when, and which, of their deliveries are made. */

import assert from 'node:assert/strict'
import type { JournalRequirement } from './journal.ts'
import { entry, LANE } from './journal-bench.ts'

export const TIMING = {
  J29: {
    text: 'MUST hand out what was postponed at its time, not earlier, as the same attempt, its key taken until then',
    async run(bench) {
      await bench.append(entry('a'), entry('k1', { routes: [{ ...LANE, key: 'k' }] }))
      await bench.append(entry('k2', { routes: [{ ...LANE, key: 'k' }] }))
      for (const delivery of await bench.takeMany(2)) await bench.journal.postpone(delivery, bench.clock.time + 5_000)
      await bench.nothing()
      assert.equal(bench.journal.stats().pending, 3)
      bench.clock.time += 5_000
      const again = await bench.takeMany(2)
      assert.deepEqual(again.map(({ event, attempt }) => `${event.id} ${attempt}`).sort(), ['a 1', 'k1 1'])
      for (const delivery of again) await bench.journal.settle(delivery, { status: 'done' })
      assert.equal((await bench.take()).event.id, 'k2')
    },
  },
} satisfies Record<string, JournalRequirement>
