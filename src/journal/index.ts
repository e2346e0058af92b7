/** The journal: its contract, its implementations, and the check of one that lies on disk. */

export * from './config.ts'
export type * from './journal.ts'
export { openJournal } from './lmdb.ts'
export { type MemoryJournalOptions, openMemoryJournal } from './memory.ts'
export { readEvents } from './retained.ts'
export type { JournalOptions, JournalSettings } from './settings.ts'
export { type Problem, type VerifyReport, verifyJournal } from './verify.ts'
