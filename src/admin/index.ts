/** Health, readiness, metrics, dead letters and the control API, on a listener of their own. */

export { type Admin, createAdmin } from './admin.ts'
export type { AdminParts } from './parts.ts'
