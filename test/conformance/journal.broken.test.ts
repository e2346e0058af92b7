/** The journal suite is worth what it catches: each broken journal fails its own requirement and no other. */

import { describe, test } from 'vitest'
import type { Journal } from '../../src/journal/journal.ts'
import { catches } from './caught.ts'
import { type JournalHarness, journalConformance } from './journal.ts'
import { FAULTS, type JournalFault } from './journal-faults.ts'
import { ModelJournal } from './journal-model.ts'

const harness = (fault?: JournalFault): JournalHarness => ({
  open: async (options) => new ModelJournal(options, fault),
  async reopen(journal: Journal, options) {
    if (!(journal instanceof ModelJournal)) throw new Error('not the journal that was opened')
    await journal[Symbol.asyncDispose]()
    return new ModelJournal(options, fault, journal.disk)
  },
  // Short where something is expected never to happen, long where a loaded machine may be slow.
  deadlineMs: fault ? 1_500 : 10_000,
})

describe('a journal that keeps its promises passes', () => journalConformance(test, harness()))

describe('the journal suite catches a journal that', () => {
  catches(FAULTS, (declare, fault) => journalConformance(declare, harness(fault)))
})
