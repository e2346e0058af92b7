/** Amounts as Kubernetes manifests write them: quantities of memory, and times in seconds or as durations. */

import * as z from 'zod'

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
}
const QUANTITY = /^\+?(\d+(?:\.\d*)?|\.\d+)(?:e(\d{1,2})|([kMGT]|[KMGT]i)?)$/i
const MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 }

/** Reads `64Mi`, `128M`, `1e8`, `67108864`; undefined when the text is no quantity of memory. Bytes. */
export function parseQuantity(text: string): number | undefined {
  const [, number, power, unit = ''] = QUANTITY.exec(text) ?? []
  const factor = power === undefined ? UNITS[unit] : 10 ** Number(power)
  if (number === undefined || factor === undefined) return undefined
  const bytes = Math.ceil(Number(number) * factor)
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined
}

/** Reads `30s`, `1m30s`, `500ms`, `1.5h`, and `30` as seconds; undefined when the text is no time. Milliseconds. */
export function parseTime(text: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return positive(Number(text) * 1_000)
  if (!/^(\d+(\.\d+)?(h|ms|m|s))+$/.test(text)) return undefined
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)
  return positive([...parts].reduce((sum, [, number, unit = '']) => sum + Number(number) * (MS[unit] ?? 0), 0))
}

const positive = (ms: number): number | undefined => (ms >= 1 ? Math.round(ms) : undefined)

/** A size of ours for so many bytes. */
const sizeText = (bytes: number): string => {
  const [unit, factor] = (
    [
      ['MiB', 2 ** 20],
      ['KiB', 2 ** 10],
    ] as const
  ).find(([, each]) => bytes % each === 0) ?? ['B', 1]
  return `${bytes / factor}${unit}`
}

/** A duration of ours for so many milliseconds. */
const durationText = (ms: number): string => (ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`)

/** A quantity of memory in YAML; a size of ours in code. */
export const memory = () => scalar(parseQuantity, sizeText, 'a quantity such as 64Mi or 128M')

/** Seconds or a duration in YAML; a duration of ours in code. */
export const time = () => scalar(parseTime, durationText, 'seconds, or a duration such as 30s or 1m30s')

function scalar(parse: (text: string) => number | undefined, text: (amount: number) => string, expected: string) {
  return z
    .union([z.number(), z.string()], { error: `expected ${expected}` })
    .refine((given) => parse(String(given)) !== undefined, {
      error: ({ input }) => `"${input}" is not ${expected}`,
    })
    .transform((given) => text(parse(String(given)) ?? 0))
}
