/** A gate before a PostgreSQL server: reads what a prepared statement is given, and lets it through or holds it. */

import type { Between } from './relay.ts'

/** The values of one execution, as sent: texts or bytes, null for NULL. */
export type Values = readonly (Buffer | null)[]

const BIND = 'B'.charCodeAt(0)

/** Asks `pass` before an execution of `statement` goes on to the server; nothing after it does before that resolves. */
export const gateOf =
  (statement: string, pass: (values: Values) => Promise<void>): Between =>
  (client, server) => {
    server.pipe(client)
    let turn = Promise.resolve()
    const reader = new Reader()
    client.on('data', (chunk: Buffer) => {
      for (const message of reader.read(chunk)) {
        turn = turn.then(async () => {
          const values = bound(message, statement)
          if (values) await pass(values)
          server.write(message)
        })
      }
    })
  }

/** Cuts what a client sends into messages. The first has no type. */
class Reader {
  #rest = Buffer.alloc(0)
  #first = true

  read(chunk: Buffer): readonly Buffer[] {
    const messages: Buffer[] = []
    this.#rest = Buffer.concat([this.#rest, chunk])
    for (;;) {
      const head = this.#first ? 0 : 1
      if (this.#rest.length < head + 4) return messages
      const length = head + this.#rest.readUInt32BE(head)
      if (this.#rest.length < length) return messages
      messages.push(this.#rest.subarray(0, length))
      this.#rest = this.#rest.subarray(length)
      this.#first = false
    }
  }
}

/** The values that a Bind message carries for a statement; undefined for any other message. */
function bound(message: Buffer, statement: string): Values | undefined {
  if (message[0] !== BIND) return undefined
  const portalEnd = message.indexOf(0, 5)
  const nameEnd = message.indexOf(0, portalEnd + 1)
  if (message.toString('utf8', portalEnd + 1, nameEnd) !== statement) return undefined
  let at = nameEnd + 1
  at += 2 + 2 * message.readUInt16BE(at)
  const count = message.readUInt16BE(at)
  at += 2
  return Array.from({ length: count }, () => {
    const length = message.readInt32BE(at)
    at += 4
    if (length < 0) return null
    at += length
    return message.subarray(at - length, at)
  })
}
