/** What every route of the HTTP face works with. */

import type { Context, Emit } from '#connector'
import type { HttpConfig } from './config.ts'
import type { Slots } from './slots.ts'
import type { Waits } from './waits.ts'

export interface Parts {
  readonly config: HttpConfig
  readonly context: Context
  /** Takes a slot for as long as it is unresolved. */
  readonly emit: Emit
  readonly slots: Slots
  readonly waits: Waits
}
