/** The Prefer header (RFC 7240), as far as it is understood here. */

export interface Preferences {
  /** The caller does not wait: 202 and a place to read the reply from. */
  readonly respondAsync: boolean
  /** How long the caller waits, in milliseconds; undefined when it does not say. */
  readonly waitMs?: number
}

/** Reads `respond-async` and `wait=<seconds>`; of anything else nothing is wanted, as the RFC says. */
export function readPreferences(prefer: string | undefined): Preferences {
  if (prefer === undefined) return { respondAsync: false }
  const wanted = prefer.split(/[,;]/).map((part) => part.trim().toLowerCase())
  const wait = wanted
    .map((part) => /^wait\s*=\s*"?(\d{1,6})"?$/.exec(part)?.[1])
    .find((seconds) => seconds !== undefined)
  return {
    respondAsync: wanted.includes('respond-async'),
    ...(wait === undefined ? {} : { waitMs: Number(wait) * 1_000 }),
  }
}
