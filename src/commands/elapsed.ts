/** A stretch of time, for people. */

const STEPS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const

/** `0.02 ms`, `12 ms`, `3.4 s`, `5 min`, `2 h`, `3 d`: two digits are enough to a person. */
export function elapsed(ms: number): string {
  if (ms < 10) return `${Number(ms.toPrecision(2))} ms`
  const [unit, size] = STEPS.find(([, size]) => ms >= size) ?? ['ms', 1]
  const value = ms / size
  return `${value < 10 ? Math.round(value * 10) / 10 : Math.round(value)} ${unit}`
}
