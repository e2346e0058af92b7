/** One socket in front of aedes: guards its bytes, stops reading it, and repairs what the beta says on the wire. */

import type { Duplex } from 'node:stream'
import { writeToStream } from 'mqtt-packet'
import { Framing, type Verdict } from './framing.ts'
import type { AedesClient } from './internals.ts'
import { SHARE, SHARED } from './topics.ts'
import { isTorn } from './torn.ts'

interface TopicPacket {
  readonly messageId?: number
  readonly reasonCode?: number
  readonly cmd: string
  readonly subscriptions?: { topic: string }[]
  readonly unsubscriptions?: string[]
}

/**
 * Hooks the `read` of a stream before aedes takes it. A stream of ours in between would cost a copy of each chunk
 * through two more buffers; this costs one call a chunk.
 */
export class Connection {
  readonly stream: Duplex
  readonly #framing: Framing
  readonly #refuse: (verdict: Exclude<Verdict, 'ok'>) => void
  #client: AedesClient | undefined
  #held = false
  #parsing = false
  #resting = false
  #refused = false
  #wanted = false
  /** When the packet that is not complete was begun, by the sweep's clock; 0 when there is none. */
  #begun = 0
  #packets = 0
  #connack: Buffer[] | undefined

  /** `refuse` is called once, for bytes that no parser shall see. */
  constructor(stream: Duplex, maxPacketSize: number, refuse: (verdict: Exclude<Verdict, 'ok'>) => void) {
    this.stream = stream
    this.#framing = new Framing(maxPacketSize)
    this.#refuse = refuse
    const read = stream.read.bind(stream)
    stream.read = (size?: number) => {
      if (size === 0) return read(0)
      // Reading while the parser is at work would make it parse a packet twice: it is not re-entrant.
      if (this.#held || this.#parsing || this.#resting) this.#wanted = true
      if (this.#held || this.#parsing || this.#resting || this.#refused) return null
      const chunk = this.#checked(
        stream.readableLength > SLICE ? read(SLICE) : readAll(read, () => stream.readableLength),
      )
      if (chunk !== null && chunk.length >= SLICE / 4) this.#rest(stream.readableLength > 0)
      return chunk
    }
  }

  /** Takes the client that aedes made of the stream. `see` is shown each packet before aedes is. */
  attach(client: AedesClient, see: (packet: TopicPacket) => void): void {
    this.#client = client
    // Topics and broker ids named like members of Object would be found in a plain object (GHSA-52qw-whmv-87c5).
    client.subscriptions = Object.create(null)
    const parser = client._parser
    const parse = parser.parse.bind(parser)
    parser.parse = (bytes) => {
      this.#parsing = true
      try {
        return parse(bytes)
      } finally {
        this.#parsing = false
        if (this.#wanted && !this.#held) this.#goOn()
      }
    }
    const [handle] = parser.listeners('packet')
    parser.removeAllListeners('packet')
    parser.on('packet', (packet: TopicPacket) => {
      if (isTorn(packet)) {
        client.conn.destroy()
        return
      }
      if (packet.cmd === 'subscribe' || packet.cmd === 'unsubscribe') respellShared(packet)
      else see(packet)
      if (packet.cmd !== 'puback' || !client.connackSent) handle?.call(parser, packet)
      // All that aedes does about a PUBACK, without its three promises.
      else if (client._keepaliveInterval > 0) client._keepaliveTimer?.refresh()
    })
  }

  /** Stops reading the socket, or goes on. What TCP has no room for then, the other side has to keep. */
  hold(held: boolean): void {
    if (held === this.#held) return
    this.#held = held
    this.#begun = 0
    if (!held && this.#wanted) this.#goOn()
  }

  /**
   * A packet leaves the batch that aedes waits for: it goes on reading while the gateway works on the packet, so that
   * pings and acknowledgements behind it are seen. How many may leave is for the caller to bound.
   */
  leave(): void {
    if (!this.#client) return
    this.#client._parsingBatch--
    // What is not here yet comes with a `readable` of its own.
    if (this.stream.readableLength > 0) this.#wanted = true
    if (!this.#parsing && !this.#held) this.#goOn()
  }

  /** A packet that left is back, and about to be done. */
  rejoin(): void {
    if (this.#client) this.#client._parsingBatch++
  }

  /** Called about once a second. Returns true when one packet has been incomplete for longer than `timeout` ms. */
  sweep(now: number, timeout: number): boolean {
    if (this.#held) {
      // The client's pings are in the socket that we do not read: that is no sign that it is gone.
      this.#client?._keepaliveTimer?.refresh()
      return false
    }
    const { inside, packets } = this.#framing
    if (!inside || packets !== this.#packets) this.#begun = inside ? now : 0
    this.#packets = packets
    return this.#begun > 0 && now - this.#begun > timeout
  }

  /**
   * Holds back what is written until `sendConnack`, which changes the CONNACK: the beta always says that shared
   * subscriptions are not available [MQTT5 3.2.2.3.13]. For MQTT 5 clients, before they are let in.
   */
  holdConnack(): void {
    const chunks: Buffer[] = []
    this.#connack = chunks
    this.stream.write = ((chunk: Buffer | string) => {
      chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
      return true
    }) as Duplex['write']
  }

  /** Sends the CONNACK that was held back, if one was. */
  sendConnack(): void {
    if (this.#connack === undefined) return
    // What was assigned hides the method of the prototype; without it that one is back.
    Reflect.deleteProperty(this.stream, 'write')
    this.stream.write(allowShared(Buffer.concat(this.#connack)))
    this.#connack = undefined
  }

  /**
   * Ends the connection; an MQTT 5 client is told why. What is still coming is read and thrown away for a moment:
   * closing over unread bytes makes TCP send a reset, which takes the reason from the client's hands.
   */
  finish(reasonCode: number): void {
    const { stream } = this
    this.#refused = true
    if (this.#client?.version === 5) writeToStream({ cmd: 'disconnect', reasonCode }, stream, { protocolVersion: 5 })
    stream.removeAllListeners('readable')
    Reflect.deleteProperty(stream, 'read')
    stream.end()
    stream.resume()
    setTimeout(() => stream.destroy(), FAREWELL_MS).unref()
  }

  #checked(chunk: Buffer | null): Buffer | null {
    if (chunk === null) return null
    const verdict = this.#framing.feed(chunk)
    if (verdict === 'ok') return chunk
    this.#refused = true
    this.#refuse(verdict)
    return null
  }

  /**
   * One slice a turn of the event loop: libuv reads a socket up to 32 times in a row while its data are taken at once,
   * and 50 publishers that never wait kept everyone else waiting for seconds.
   */
  #rest(more: boolean): void {
    this.#resting = true
    if (more) this.#wanted = true
    setImmediate(() => {
      this.#resting = false
      if (this.#wanted && !this.#held) this.#readOn()
    })
  }

  #goOn(): void {
    if (!this.#resting) setImmediate(() => this.#readOn())
  }

  /** Lets aedes read on if it waits for nothing. */
  #readOn(): void {
    this.#wanted = false
    if (!this.#client || this.#client.closed) return
    this.#client._parsingBatch++
    this.#client._nextBatch()
  }
}

function respellShared(packet: TopicPacket): void {
  for (const subscription of packet.subscriptions ?? []) subscription.topic = respell(subscription.topic)
  if (packet.unsubscriptions)
    for (const [at, topic] of packet.unsubscriptions.entries()) packet.unsubscriptions[at] = respell(topic)
}

const respell = (topic: string): string => (topic.startsWith(SHARE) ? SHARED + topic.slice(SHARE.length) : topic)

/** Sets Shared Subscription Available, which aedes writes first among the properties of a CONNACK, to 1. */
function allowShared(connack: Buffer): Buffer {
  const afterLength = (at: number): number => {
    let end = at
    while ((connack[end] ?? 0) > 0x7f) end++
    return end + 1
  }
  // Fixed header, flags and reason code, then the length of the properties.
  const properties = afterLength(afterLength(1) + 2)
  if (connack[properties] === SHARED_AVAILABLE) connack[properties + 1] = 1
  return connack
}

const SHARED_AVAILABLE = 0x2a
const FAREWELL_MS = 2_000

/** Bytes of one connection that are worked on before others have their turn. */
const SLICE = 16_384

/**
 * Since Node 26 `read()` returns one buffer even when several are there, and tells nobody of the rest: aedes, which
 * reads once per `readable`, would wait for ever in the middle of a packet that came in two pieces.
 */
function readAll(read: () => Buffer | null, left: () => number): Buffer | null {
  const first = read()
  if (first === null || left() === 0) return first
  const second = read()
  if (second === null) return first
  const chunks = [first, second]
  for (let next = read(); next; next = read()) chunks.push(next)
  return Buffer.concat(chunks)
}
