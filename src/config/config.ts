/** The configuration as the gateway runs it: plain data, every default filled in, every name settled. */

import type { AdminConfig } from '../admin/config.ts'
import type { BrokerConfig } from '../broker/config.ts'
import type { StoreConfig } from '../host/config.ts'
import type { JournalConfig } from '../journal/config.ts'
import type { FunctionSpec } from '../pool/pool.ts'
import type { As } from '../router/naming.ts'
import type { Route } from '../router/route.ts'
import type { LogConfig } from '../telemetry/config.ts'
import type { ConfigTest } from './config-test.ts'

/** A source or a sink: its name, the type of its connector, and the options that the connector's schema gave. */
export interface Instance {
  readonly name: string
  readonly type: string
  readonly config: unknown
  /** Of a source: the expressions that name what was no CloudEvent, by attribute. */
  readonly as?: As
}

/** A function that is called at an address that others share. */
export interface ServiceFunction {
  readonly service: string
  /** What the envelope calls it. */
  readonly as: string
  /** `name` or `name@version`, one that there is. */
  readonly function: string
}

export interface Config {
  readonly name: string
  readonly broker: BrokerConfig
  /** The options of the http connector, as its schema gave them; undefined when there is no such connector. */
  readonly http: unknown
  readonly admin: AdminConfig
  readonly log: LogConfig
  readonly journal: JournalConfig
  /** Of key-value stores, by name; one that is not there has the defaults. */
  readonly stores: Readonly<Record<string, StoreConfig>>
  readonly sources: readonly Instance[]
  readonly sinks: readonly Instance[]
  readonly functions: readonly FunctionSpec[]
  /** Names of the functions that anyone may call by name: `name@version` of each, and `name` for the newest. */
  readonly callable: readonly string[]
  readonly services: readonly ServiceFunction[]
  /** Those of the file; the implicit ones come from `callRoutes`. */
  readonly routes: readonly Route[]
  /** What `headgate check` runs; those of files beside the configuration are there when they were asked for. */
  readonly tests: readonly ConfigTest[]
  /** Every secret text in it: nothing that is logged may hold one. */
  readonly secrets: readonly string[]
  /** The whole configuration in its long form, as it would be written: defaults filled in, secrets hidden. */
  readonly expanded: Readonly<Record<string, unknown>>
}
