/** The router: compile routes, match, explain. */

export { type Compiled, compileRouter } from './compile.ts'
export type * from './route.ts'
export type * from './router.ts'
