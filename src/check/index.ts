/** The tests in a configuration, run on a virtual clock: no port, no file of the journal, no waiting. */

export { VirtualClock } from './clock.ts'
export type { Difference } from './expect.ts'
export { Functions, transpileAhead } from './functions.ts'
export { runsFunctions, runTests, type TestResult } from './run.ts'
export { type Scene, setScene } from './stage.ts'
