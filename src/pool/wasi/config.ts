/** `wasi:config` and `wasi:logging`: values that stand under `allow`, and lines for the gateway's log. */

import type { Grants } from '../grants.ts'
import { wanting } from '../grants.ts'
import { LOG_BYTES } from '../limits.ts'
import { lifting } from './budget.ts'
import type { Denied } from './denial.ts'
import type { Level } from './index.ts'
import type { Senses } from './senses.ts'

/** Makes `store`, and `runtime` as it was called before. */
export function config(grants: Grants | undefined, denied: Denied, senses: Senses) {
  const values = new Map(Object.entries(grants?.config ?? {}))
  const store = {
    get: (key: string): string | undefined => {
      lifting.reset()
      const value = senses.ask('config.get', key, () => values.get(key))
      if (value === undefined) denied('wasi:config/store#get', wanting.config(key))
      return value
    },
    getAll: (): [string, string][] => senses.ask('config.get-all', undefined, () => [...values]),
  }
  return { 'wasi:config/store': store, 'wasi:config/runtime': store }
}

/** Levels of `wasi:logging` that the log has no word for. */
const LEVELS: Readonly<Record<string, Level>> = { trace: 'debug', critical: 'error' }

/** Makes `wasi:logging/logging`; the context stands before the message. */
export const logging = (log: (level: Level, text: string) => void) => ({
  'wasi:logging/logging': {
    log: (level: string, context: string, message: string) => {
      lifting.reset()
      const text = context === '' ? message : `${context}: ${message}`
      log(LEVELS[level] ?? (level as Level), text.slice(0, LOG_BYTES))
    },
  },
})
