/** The connector SDK: the only part of the gateway a connector may import. */

export * from '../errors.ts'
export * from '../event/index.ts'
export * from '../schedule/index.ts'
export * from '../schema/index.ts'
export type * from './broker.ts'
export type * from './calls.ts'
export type * from './connector.ts'
export * from './deadline.ts'
export * from './define.ts'
export { AddressRefused, lookupWithin, Reach } from './reach.ts'
export * from './until-accepted.ts'

/** Loads what makes connections. */
export const loadDial = () => import('./dial.ts')
