/** Durations and sizes as they would be written. */

const DURATIONS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
]
const SIZES: readonly (readonly [string, number])[] = [
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
]

const unitText = (value: number, units: readonly (readonly [string, number])[], smallest: string): string => {
  const [unit, size] = units.find(([, size]) => value > 0 && value % size === 0) ?? [smallest, 1]
  return `${value / size}${unit}`
}

/** Milliseconds as `30s`. */
export const durationText = (ms: number): string => unitText(ms, DURATIONS, 'ms')
/** Bytes as `64MiB`. */
export const sizeText = (bytes: number): string => unitText(bytes, SIZES, 'B')
