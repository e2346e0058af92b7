/** The router: compile routes, match, explain. */

export { CHANGES, type Change, Comparison } from './compare.ts'
export { type Compiled, compileInTurns, compileRouter } from './compile.ts'
export { compilePredicate } from './predicate.ts'
export type * from './route.ts'
export type * from './router.ts'
