/** What clients send through a relay: kept, so that a test can look at it, and swallowed when it says so. */

import type { Between } from './relay.ts'

export class Wire {
  /** Nothing that clients send arrives while this is true. */
  isSilent = false
  readonly #sent: Buffer[] = []

  /** Everything so far, one connection's bytes between another's. */
  get sent(): Buffer {
    return Buffer.concat(this.#sent)
  }

  /** The numbers that are sent under a name of a JSON object, in order. */
  numbers(name: string): readonly number[] {
    return [...this.sent.toString('latin1').matchAll(new RegExp(`"${name}":(\\d+)`, 'g'))].map(([, text]) =>
      Number(text),
    )
  }

  readonly between: Between = (client, upstream) => {
    client.on('data', (chunk) => {
      this.#sent.push(Buffer.from(chunk))
      if (!this.isSilent) upstream.write(chunk)
    })
    upstream.pipe(client)
  }
}
