/** What a store keeps at most of one thing, and checks of it. */

import { type Change, HostError } from '../pool/host.ts'

/** Bytes of a key in UTF-8. */
const KEY_BYTES = 1_024
/** Bytes of the values that are given at once. */
const ANSWER_BYTES = 16 << 20
/** Keys on one page. */
export const PAGE = 1_000

/** Makes an error that names the store and what was being done. */
export const storeError = (name: string, doing: string, what: string, cause?: unknown): HostError =>
  new HostError('other', `${name} (store): ${doing}: ${what}`, cause === undefined ? undefined : { cause })

/** Throws when a key is empty or too long. */
export function checkKey(name: string, key: string): void {
  if (key === '') throw storeError(name, 'reading a key', 'it is empty')
  if (Buffer.byteLength(key) > KEY_BYTES) throw storeError(name, 'reading a key', `it has more than ${KEY_BYTES} bytes`)
}

/** Throws when one of the changes is more than a store takes. */
export function checkChanges(name: string, changes: readonly Change[], maxValue: number): void {
  for (const [key, value] of changes) {
    checkKey(name, key)
    if (value && value.length > maxValue)
      throw storeError(
        name,
        `writing ${JSON.stringify(key)}`,
        `the value has ${value.length} bytes, and max_value is ${maxValue}`,
      )
  }
}

/** Keys whose values are read together: so many values may be there before it is known that they are too much. */
const READ_KEYS = 16

/**
 * Reads the values of keys, a few at a time. Rejects once they are more than is given at once, and reads no further: a
 * key may be named ten thousand times.
 */
export async function readValues<T extends Uint8Array | undefined>(
  name: string,
  keys: readonly string[],
  read: (keys: readonly string[]) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const values: T[] = []
  let bytes = 0
  for (let first = 0; first < keys.length; first += READ_KEYS) {
    const some = await read(keys.slice(first, first + READ_KEYS))
    bytes += some.reduce((sum, value) => sum + (value?.length ?? 0), 0)
    if (bytes > ANSWER_BYTES)
      throw storeError(name, 'reading values', `they have more than ${ANSWER_BYTES >> 20} MiB; ask for fewer at once`)
    values.push(...some)
  }
  return values
}

const INTEGER = /^-?\d{1,19}$/
const LEAST = -(2n ** 63n)
const MOST = 2n ** 63n - 1n

/** Adds to the number that stands in a value as decimal text. Throws when there is none, or it leaves 64 bits. */
export function sum(name: string, key: string, value: Uint8Array | undefined, by: bigint): bigint {
  const text = value === undefined ? '0' : Buffer.from(value).toString('latin1')
  const doing = `adding to ${JSON.stringify(key)}`
  if (!INTEGER.test(text)) throw storeError(name, doing, 'its value is not a decimal number')
  const total = BigInt(text) + by
  if (total < LEAST || total > MOST) throw storeError(name, doing, 'the sum does not fit 64 bits')
  return total
}
