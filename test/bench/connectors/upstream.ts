/** What the `connectors` bench asks of an upstream: a real server with a backlog, and the bare client that reads it too. */

/** One backlog, for one reader. */
export interface Backlog {
  /** The source of a gateway that reads it, as in the configuration: `{ kafka: { ... } }`. */
  readonly source: object
  /** What the gateway needs in its environment. */
  readonly env?: Readonly<Record<string, string>>
  /**
   * A program that reads it with the client library alone, acknowledges everything, prints the milliseconds from the
   * first message to the last acknowledgement, and ends.
   */
  readonly bare: readonly [file: string, ...args: string[]]
}

export interface Upstream extends AsyncDisposable {
  /** Resolves once so many messages of 1 KiB wait for a reader that has read none of them. */
  fill(messages: number): Promise<Backlog>
}

export interface UpstreamKind {
  readonly name: string
  /** What the bare client is called in tables. */
  readonly client: string
  /** Resolves when its server runs. */
  open(): Promise<Upstream>
}

/** The data of each message: JSON, as most of it is. */
export const payload = (number: number): Buffer => {
  const head = `{"n":${number},"text":"`
  return Buffer.from(`${head}${'x'.repeat(1_024 - head.length - 2)}"}`)
}
