/** Changes byte streams by a seed: the same seed, the same changes. */

/** Numbers from 0 to 1, by a seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

type Change = (bytes: Buffer, upTo: (limit: number) => number, others: readonly Buffer[]) => Buffer

/** Where packets like to be hurt: ends of ranges, lengths, reserved bits. */
const EDGES = [0, 1, 2, 4, 0x0f, 0x10, 0x30, 0x7f, 0x80, 0xc0, 0xe0, 0xf0, 0xfe, 0xff]

const cut = (bytes: Buffer, upTo: (limit: number) => number): readonly [from: number, to: number] => {
  const from = upTo(bytes.length)
  return [from, Math.min(bytes.length, from + 1 + upTo(32))]
}

const CHANGES: readonly Change[] = [
  (bytes, upTo) => {
    const at = upTo(bytes.length)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << upTo(8))
    return bytes
  },
  (bytes, upTo) => {
    bytes[upTo(bytes.length)] = EDGES[upTo(EDGES.length)] ?? 0
    return bytes
  },
  (bytes, upTo) => {
    bytes[upTo(bytes.length)] = upTo(256)
    return bytes
  },
  (bytes, upTo) => {
    const [from, to] = cut(bytes, upTo)
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
  },
  (bytes, upTo) => {
    const [from, to] = cut(bytes, upTo)
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)])
  },
  (bytes, upTo) => {
    const at = upTo(bytes.length)
    const added = Buffer.from(Array.from({ length: 1 + upTo(16) }, () => upTo(256)))
    return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at)])
  },
  (bytes, upTo) => bytes.subarray(0, 1 + upTo(bytes.length)),
  (bytes, upTo, others) => {
    const other = others[upTo(others.length)] ?? bytes
    return Buffer.concat([bytes.subarray(0, upTo(bytes.length)), other.subarray(upTo(other.length))])
  },
]

/** One of the streams, changed in one to six places. */
export function mutate(streams: readonly Buffer[], next: () => number): Buffer {
  const upTo = (limit: number): number => Math.floor(next() * Math.max(1, limit))
  let bytes = Buffer.from(streams[upTo(streams.length)] ?? Buffer.alloc(1))
  for (let left = 1 + upTo(6); left > 0 && bytes.length > 0; left -= 1) {
    const change = CHANGES[upTo(CHANGES.length)]
    if (change) bytes = Buffer.from(change(bytes, upTo, streams))
  }
  return bytes
}
