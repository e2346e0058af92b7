/** Values as a verdict shows them: on one line, cut when they are long. */

const MAX_SHOWN = 80

/** Text in quotes, numbers and flags as they are, and what all else is. */
export function seen(value: unknown): string {
  const text = readable(value)
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text
}

function readable(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'object' && value !== null && Symbol.iterator in value)
    return value instanceof Uint8Array ? `${value.length} bytes` : 'a list or map'
  return String(value)
}
