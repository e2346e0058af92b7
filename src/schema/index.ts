/** What every part's schema is made of. */

export * from './nearest.ts'
export * from './scalars.ts'
export * from './secrets.ts'
export * from './version.ts'
