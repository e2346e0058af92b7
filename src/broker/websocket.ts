/** MQTT over WebSocket: one connection as a byte stream. */

import { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'

/**
 * Reads and writes binary frames. mqtt-packet writes a packet in many small pieces: `_writev` joins them into one frame,
 * where the stream that comes with ws would send one frame each.
 */
export class WebSocketStream extends Duplex {
  readonly #socket: WebSocket

  constructor(socket: WebSocket) {
    super()
    this.#socket = socket
    socket.on('message', (data: Buffer, binary: boolean) => {
      // [MQTT-6.0.0-1] a frame that is not binary ends the connection.
      if (!binary) this.destroy(new Error('a text frame; MQTT travels in binary frames'))
      else if (!this.push(data)) socket.pause()
    })
    socket.on('close', () => {
      this.push(null)
      this.destroy()
    })
    socket.on('error', (error) => this.destroy(error))
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send(chunk, done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.close(1000)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // Code 1009 and the like were sent by ws itself; a socket that is still open is closed, not waited for.
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.close(error ? 1011 : 1000)
    else if (this.#socket.readyState === this.#socket.CONNECTING) this.#socket.terminate()
    setTimeout(() => this.#socket.terminate(), CLOSE_GRACE_MS).unref()
    done(error)
  }

  #send(bytes: Buffer, done: (error?: Error | null) => void): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(bytes, { binary: true }, done)
    else done(new Error('the WebSocket is closed'))
  }
}

/** How long a peer has to answer the closing handshake. */
const CLOSE_GRACE_MS = 2_000
