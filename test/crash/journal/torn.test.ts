/** Row 5: the file is cut short. LMDB has no tail to tear: the journal says that it was cut, and by how much. */

import { copyFileSync, mkdirSync, rmSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openJournal, verifyJournal } from '../../../src/journal/index.ts'
import { WHOLE } from '../faults.ts'
import { newFolder, SETTINGS } from './ledger.ts'
import { makeSoundJournal } from './sound.ts'

/** Each of the last 4,096 bytes, or of the last 64 and then every 32nd; then whole pages. */
const CUTS = [
  ...Array.from({ length: WHOLE ? 4_096 : 64 }, (_, i) => i + 1),
  ...(WHOLE ? [] : Array.from({ length: 127 }, (_, i) => 64 + (i + 1) * 32)),
  ...Array.from({ length: 8 }, (_, i) => (i + 2) * 4_096),
]

/**
 * A crash cannot leave a torn tail: pages are on disk before the meta page that names them is written, which row 2
 * shows at each system call. A file that is too short lost what it had: it is refused, not repaired.
 */
test('a file that was cut is refused, in the words of the cut; a whole one opens', async () => {
  using folder = newFolder()
  await makeSoundJournal(folder.path, 40)
  const whole = statSync(join(folder.path, 'data.mdb')).size
  const path = join(folder.path, 'cut')
  let refused = 0
  for (const cut of CUTS) {
    rmSync(path, { recursive: true, force: true })
    mkdirSync(path)
    copyFileSync(join(folder.path, 'data.mdb'), join(path, 'data.mdb'))
    truncateSync(join(path, 'data.mdb'), whole - cut)
    await expect(verifyJournal(path)).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' })
    await expect(openJournal({ path, ...SETTINGS })).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' })
    refused++
  }
  console.log(`row 5: cut short x ${CUTS.length}: refused ${refused} of a file of ${whole} bytes`)
  await using journal = await openJournal({ path: folder.path, ...SETTINGS })
  expect(journal.stats()).toMatchObject({ events: 40, pending: 20 })
})
