/** The scalars of the configuration: durations, sizes, addresses and secrets, as they are written in YAML. */

import * as z from 'zod'

const MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/
const SIZE = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB)$/

/** Reads `30s`, `500ms`, `1.5h`; undefined when the text is no duration. Milliseconds. */
export const parseDuration = (text: string): number | undefined => read(text, DURATION, MS)
/** Reads `64MiB`; undefined when the text is no size. Bytes. */
export const parseSize = (text: string): number | undefined => read(text, SIZE, BYTES)

function read(text: string, pattern: RegExp, units: Readonly<Record<string, number>>): number | undefined {
  const [, number, unit] = pattern.exec(text) ?? []
  return unit === undefined ? undefined : Math.round(Number(number) * (units[unit] ?? Number.NaN))
}

/** A duration in YAML (`30s`); milliseconds in code. A bare number is an error that shows both readings. */
export const duration = () =>
  z
    .string({
      error: ({ input }) => ambiguous(input, `${input}s`, `${input}ms`, 'a duration such as 30s, 500ms or 24h'),
    })
    .regex(DURATION, {
      error: ({ input }) => `"${input}" is not a duration; write a number and ms, s, m, h or d, such as 30s`,
    })
    .transform((text) => parseDuration(text) ?? 0)
    .meta({ format: 'duration', examples: ['30s'] })

/** A size in YAML (`64MiB`); bytes in code. A bare number is an error that shows both readings. */
export const size = () =>
  z
    .string({ error: ({ input }) => ambiguous(input, `${input}B`, `${input}MiB`, 'a size such as 64MiB or 512KiB') })
    .regex(SIZE, {
      error: ({ input }) => `"${input}" is not a size; write a number and B, KiB, MiB or GiB, such as 64MiB`,
    })
    .transform((text) => parseSize(text) ?? 0)
    .meta({ format: 'size', examples: ['64MiB'] })

/** `host:port` in YAML; its parts in code. Port 0 takes any free one. */
export const address = () =>
  z
    .string()
    .regex(/^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$/, {
      error: ({ input }) => `"${input}" is not host:port, such as 127.0.0.1:8080`,
    })
    .transform((text) => {
      const at = text.lastIndexOf(':')
      return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) }
    })
    .meta({ format: 'host:port', examples: ['127.0.0.1:8080'] })

/** A string that is never printed, logged or shown. */
export const secret = () => z.string().meta({ secret: true })

const ambiguous = (input: unknown, first: string, second: string, expected: string): string =>
  typeof input === 'number' ? `${input} has no unit; write ${first} or ${second}` : `expected ${expected}`
