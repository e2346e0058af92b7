/** The universal suites: what every implementation of a contract passes. */

export * from './context.ts'
export * from './journal.ts'
export * from './orders.ts'
export * from './pool.ts'
export * from './sink.ts'
export * from './source.ts'
