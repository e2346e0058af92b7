/** The journal: its contract, its implementations, and the check of one that lies on disk. */

export * from './config.ts'
export type * from './journal.ts'
export { type JournalOptions, type JournalSettings, openJournal } from './lmdb.ts'
export { type MemoryJournalOptions, openMemoryJournal } from './memory.ts'
export { type Problem, type VerifyReport, verifyJournal } from './verify.ts'
