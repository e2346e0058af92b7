/** console, into the gateway's log. */

import { log } from 'headgate:function/log@0.1.0'

const shown = (value) => {
  if (typeof value === 'string') return value
  if (value instanceof Error) return `${value.name}: ${value.message}\n${value.stack ?? ''}`.trim()
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return String(value)
  }
}

const at =
  (level) =>
  (...values) =>
    log(level, values.map(shown).join(' '))

export const console = { debug: at('debug'), log: at('info'), info: at('info'), warn: at('warn'), error: at('error') }
