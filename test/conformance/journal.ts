/**
 * The universal journal suite. Every implementation of the journal passes it.
 *
 * Test names are the specification: the text after each number is the requirement, worded as in RFC 2119.
 */

import { JournalBench, type JournalHarness, type JournalOpenOptions } from './journal-bench.ts'
import { DELIVERING } from './journal-delivering.ts'
import { KEEPING } from './journal-keeping.ts'
import { SURVIVING } from './journal-surviving.ts'
import { REMEMBERING, TELLING } from './journal-telling.ts'
import { TIMING } from './journal-timing.ts'

export { JournalBench, type JournalHarness, type JournalOpenOptions } from './journal-bench.ts'

export interface JournalRequirement {
  readonly text: string
  readonly options?: Partial<JournalOpenOptions>
  readonly run: (bench: JournalBench) => Promise<void>
}

/** vitest's `test`, or one like it. */
type Declare = (name: string, run: () => Promise<void>) => unknown

/** Declares one test for each requirement; those on surviving only when the journal can be opened again. */
export function journalConformance(test: Declare, harness: JournalHarness): void {
  const all = {
    ...DELIVERING,
    ...KEEPING,
    ...TIMING,
    ...TELLING,
    ...(harness.reopen ? { ...SURVIVING, ...REMEMBERING } : {}),
  }
  for (const [id, { text, options, run }] of Object.entries<JournalRequirement>(all)) {
    test(`${id} ${text}`, async () => {
      await using bench = await JournalBench.open(harness, options)
      await run(bench)
    })
  }
}
