/** CESQL 1.0, the SQL of CloudEvents: filters over the attributes of an event. */

export * from './compile.ts'
export * from './condition.ts'
export { type FaultType, isFault, type Outcome } from './value.ts'
