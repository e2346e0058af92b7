/** One process at a time: a lock that the kernel takes back when its holder dies, however it dies. */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { GatewayError } from '../errors.ts'

/**
 * Locks the journal in a folder, made when absent, until the returned function is called. Throws `JOURNAL_LOCKED` when it is taken.
 *
 * Node has no flock, and a file with a process number in it lies after kill -9 and across containers. SQLite takes
 * POSIX locks, also between two journals of one process; the file stays empty.
 */
export function lockFolder(path: string): () => void {
  mkdirSync(path, { recursive: true })
  const database = new DatabaseSync(join(path, 'lock.sqlite'))
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    throw new GatewayError(
      'JOURNAL_LOCKED',
      `journal (lmdb): opening "${path}": another process has it open; stop that one, or set journal.path`,
      { cause: error },
    )
  }
  return () => database.close()
}
