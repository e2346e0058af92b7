/** What it takes to open a journal on disk. */

export interface JournalOptions {
  /** Milliseconds since the epoch; the clock of the machine when absent. */
  readonly now?: () => number
  /** Told at the opening of the last time that `now` said before: what waits would wait longer if it went back. */
  readonly notBefore?: (time: number) => void
  readonly log?: { warn(fields: object, message: string): void; error(fields: object, message: string): void }
}

export interface JournalSettings {
  readonly path: string
  readonly retainMs: number
  readonly maxBytes: number
}
