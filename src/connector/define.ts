/** Lets a connector declare itself with its config types inferred from its schema. */

import type { ZodType } from 'zod'
import type { Connector, SinkSpec, SourceSpec } from './connector.ts'

/** Declares a connector. Returns its argument; exists so that mistakes are type errors at the declaration. */
export const defineConnector = (connector: Connector): Connector => connector

/** Declares a source, inferring the type `create` receives from `config`. */
export const defineSource = <C extends ZodType>(spec: SourceSpec<C>): SourceSpec => spec as unknown as SourceSpec

/** Declares a sink, inferring the type `create` receives from `config`. */
export const defineSink = <C extends ZodType>(spec: SinkSpec<C>): SinkSpec => spec as unknown as SinkSpec
