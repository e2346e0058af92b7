/** What surrounds the command line: its arguments, its environment, and the connectors it may load. */

import type { Connector } from '../connector/connector.ts'

/** What the commands get from outside. */
export interface Host {
  /** What was typed after `headgate`. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Loads the connectors; only some commands need them. */
  readonly connectors: () => Promise<readonly Connector[]>
  /** The URL of the module that they come from, for threads. */
  readonly connectorsAt: string
}
