/** What every part's schema is made of. */

export * from './scalars.ts'
