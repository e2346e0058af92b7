/** Texts that events refer to by a number: what the configuration was that they were matched by, kept as long as they are. */

import { hash } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { numberKey, TABLE, tableEnd, tableStart } from './keys.ts'
import { openBytes, sealBytes } from './record.ts'
import type { Change, Store } from './store.ts'

/** Reloads that each change something are few; beyond so many texts the oldest goes. */
export const MOST_KEPT = 128
/** Deliveries that began under a text may end, and events matched by it arrive, for a while after the next one came. */
const GRACE_MS = 3_600_000

/** until (8), digest (16), the text, deflated. */
const HEAD = 24

interface KeptText {
  readonly number: number
  readonly digest: string
  /** Milliseconds since the epoch at which another took its place; without end for the current one. */
  until: number
}

export class Kept {
  readonly #store: Store
  /** In the order of their numbers. */
  readonly #texts: KeptText[] = []

  /** A damaged text is not known any more: it says nothing that events depend on. */
  constructor(store: Store) {
    this.#store = store
    for (const { key, value } of store.range(tableStart(TABLE.kept), tableEnd(TABLE.kept))) {
      const body = openBytes(value)
      if (body === undefined || body.length < HEAD) continue
      const digest = body.toString('hex', 8, HEAD)
      this.#texts.push({ number: key.readDoubleBE(1), digest, until: body.readDoubleLE(0) })
    }
  }

  /** Makes a text the current one; returns its number, and what is to be written. */
  keep(text: string, now: number): { readonly number: number; readonly changes: readonly Change[] } {
    const digest = hash('sha256', text, 'buffer').toString('hex', 0, HEAD - 8)
    const known = this.#texts.find((each) => each.digest === digest)
    const changes: Change[] = []
    for (const each of this.#texts) if (each !== known && each.until > now) changes.push(...this.#end(each, now))
    if (known !== undefined) {
      if (known.until !== Number.POSITIVE_INFINITY) changes.push(...this.#end(known, Number.POSITIVE_INFINITY))
      return { number: known.number, changes }
    }
    const made = { number: (this.#texts.at(-1)?.number ?? 0) + 1, digest, until: Number.POSITIVE_INFINITY }
    this.#texts.push(made)
    changes.push([numberKey(TABLE.kept, made.number), stored(made, deflateRawSync(text))])
    while (this.#texts.length > MOST_KEPT) changes.push(...this.#drop(0))
    return { number: made.number, changes }
  }

  text(number: number): string | undefined {
    const packed = this.#packed(number)
    return packed && inflateRawSync(packed).toString()
  }

  /** Forgets what no event refers to that was accepted at `oldest` (milliseconds since the epoch) or later. */
  sweep(oldest: number): Change[] {
    const changes: Change[] = []
    for (let at = this.#texts.length - 1; at >= 0; at--)
      if ((this.#texts[at]?.until ?? 0) + GRACE_MS < oldest) changes.push(...this.#drop(at))
    return changes
  }

  #end(text: KeptText, until: number): Change[] {
    text.until = until
    const packed = this.#packed(text.number)
    return packed ? [[numberKey(TABLE.kept, text.number), stored(text, packed)]] : []
  }

  #drop(at: number): Change[] {
    return this.#texts.splice(at, 1).map(({ number }): Change => [numberKey(TABLE.kept, number), undefined])
  }

  #packed(number: number): Buffer | undefined {
    const sealed = this.#store.get(numberKey(TABLE.kept, number))
    return sealed && openBytes(sealed)?.subarray(HEAD)
  }
}

function stored({ digest, until }: KeptText, packed: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD + packed.length)
  bytes.writeDoubleLE(until, 0)
  bytes.write(digest, 8, 'hex')
  packed.copy(bytes, HEAD)
  return sealBytes(bytes)
}
