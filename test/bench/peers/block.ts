/** Several bodies as one block of bytes: their count, their lengths, then the bodies, end to end. */

export function pack(bodies: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const head = 4 + 4 * bodies.length
  const block = new Uint8Array(bodies.reduce((sum, body) => sum + body.length, head))
  const numbers = new DataView(block.buffer)
  numbers.setUint32(0, bodies.length)
  let at = head
  bodies.forEach((body, i) => {
    numbers.setUint32(4 + 4 * i, body.length)
    block.set(body, at)
    at += body.length
  })
  return block
}

/** The bodies are views of the block. */
export function unpack(block: Uint8Array<ArrayBuffer>): Uint8Array[] {
  const numbers = new DataView(block.buffer)
  const count = numbers.getUint32(0)
  let at = 4 + 4 * count
  return Array.from({ length: count }, (_, i) => {
    const from = at
    at += numbers.getUint32(4 + 4 * i)
    return block.subarray(from, at)
  })
}
