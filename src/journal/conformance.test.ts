/** Both journals pass the universal suite. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, test } from 'vitest'
import { journalConformance } from '#conformance'
import { openJournal, openMemoryJournal } from './index.ts'
import type { Journal } from './journal.ts'

const root = mkdtempSync(join(tmpdir(), 'headgate-journal-'))
const paths = new WeakMap<Journal, string>()
let opened = 0

afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('lmdb', () => {
  journalConformance(test, {
    async open({ now, ...settings }) {
      const path = join(root, String(opened++))
      const journal = await openJournal({ path, ...settings }, { now })
      paths.set(journal, path)
      return journal
    },
    async reopen(journal, { now, ...settings }) {
      await journal[Symbol.asyncDispose]()
      const path = paths.get(journal) ?? ''
      const again = await openJournal({ path, ...settings }, { now })
      paths.set(again, path)
      return again
    },
  })
})

describe('memory', () => {
  journalConformance(test, { open: async (options) => openMemoryJournal(options) })
})
