/** How large a packet is on the wire. */

import { writeToStream } from 'mqtt-packet'

/** Bytes, fixed header included. */
export function measure(packet: object, options: object): number {
  let size = 0
  const sink = {
    write: (chunk: Buffer | string) => {
      size += Buffer.byteLength(chunk)
      return true
    },
  }
  writeToStream(packet as never, sink as never, options)
  return size
}
