/** CESQL under any text and any event: one problem or none, a value or an error, never a throw; and what is hostile. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyEvent } from '../../event/arbitrary.ts'
import { event } from '../harness.ts'
import type { Node } from './ast.ts'
import { compileNode } from './evaluator.ts'
import { anyNode, print } from './harness.ts'
import { clausesOf, compileCondition, compileSql, isFault, isSqlProblem, MAX_LENGTH, type Sql } from './index.ts'
import { compilePattern, like, MAX_STEPS } from './like.ts'
import { parseSql } from './parser.ts'

const made = (text: string): Sql => {
  const sql = compileSql(text)
  if (isSqlProblem(sql)) throw new Error(`${text}: ${sql.message}`)
  return sql
}

/** An expression without its places. */
const bare = (node: Node): unknown =>
  JSON.parse(JSON.stringify(node, (key, value: unknown) => (key === 'start' || key === 'end' ? undefined : value)))

const words = fc.constantFrom(
  ...`AND or XOR not LIKE in EXISTS true type x1 7 2147483648 ( ) , + - * / % = != <> < <= . ' " \\ 'a' "%" LENGTH CONCAT_WS`.split(
    ' ',
  ),
)

describe('any expression', () => {
  test('that is written is read again as it was', () => {
    fc.assert(
      fc.property(anyNode, (node) => {
        const text = print(node)
        fc.pre(text.length <= MAX_LENGTH)
        expect(bare(parseSql(text))).toEqual(bare(node))
      }),
    )
  })

  test('has a place in its text, from which it is read again', () => {
    fc.assert(
      fc.property(anyNode, (node) => {
        for (const { root, text } of clausesOf(made(print(node)))) expect(bare(parseSql(text))).toEqual(bare(root))
      }),
    )
  })

  test('gives a value or an error on any event, and of its own type', () => {
    const types = { Integer: 'number', String: 'string', Boolean: 'boolean' } as const
    fc.assert(
      fc.property(anyNode, anyEvent, (node, given) => {
        const outcome = compileNode(node)({ event: given, steps: 0 })
        const value = isFault(outcome) ? outcome.value : outcome
        if (typeof value === 'number') expect(value).toBe(value | 0)
        if (isFault(outcome)) expect(outcome.message).not.toBe('')
        expect(Object.values(types)).toContain(typeof value)
        if (node.kind === 'like' || node.kind === 'in' || node.kind === 'not') expect(typeof value).toBe('boolean')
        if (node.kind === 'minus') expect(typeof value).toBe('number')
      }),
    )
  })

  test('is true when all of its clauses are, and only then', () => {
    fc.assert(
      fc.property(fc.array(anyNode, { minLength: 1, maxLength: 4 }), anyEvent, (nodes, given) => {
        const sql = made(nodes.map((node) => `(${print(node)})`).join(' AND '))
        fc.pre(nodes.length > 1)
        expect(clausesOf(sql).every(({ run }) => run(given) === true)).toBe(sql.run(given) === true)
      }),
    )
  })
})

test('any text gives a problem inside of it, or an expression', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(words, { maxLength: 12 }).map((all) => all.join(' ')),
  )
  fc.assert(
    fc.property(text, (given) => {
      const sql = compileCondition(given)
      if (!isSqlProblem(sql)) return
      expect(sql.message).not.toBe('')
      expect(sql.offset).toBeGreaterThanOrEqual(0)
      expect(sql.offset).toBeLessThanOrEqual(given.length)
    }),
  )
})

describe('LIKE', () => {
  /** The plainest way to match, which tries everything. */
  const slow = (text: string, pattern: readonly number[]): boolean => {
    const [want, ...rest] = pattern
    if (want === undefined) return text === ''
    if (want === -1)
      return Array.from({ length: text.length + 1 }, (_, at) => text.slice(at)).some((end) => slow(end, rest))
    return text !== '' && (want === -2 || want === text.charCodeAt(0)) && slow(text.slice(1), rest)
  }

  test('agrees with trying everything', () => {
    const letters = (extra: readonly string[]) =>
      fc.array(fc.constantFrom('a', 'b', ...extra), { maxLength: 8 }).map((all) => all.join(''))
    fc.assert(
      fc.property(letters(['_', '%', '\\']), letters(['%', '%', '_', '\\']), (text, pattern) => {
        const compiled = compilePattern(pattern)
        expect(like(text, compiled, { steps: 0 })).toBe(slow(text, compiled))
      }),
      { numRuns: 2_000 },
    )
  })

  test('takes steps that grow with the text, not with the number of its %', () => {
    const text = 'a'.repeat(20_000)
    const meter = { steps: 0 }
    expect(like(text, compilePattern(`${'%a'.repeat(2_000)}b`), meter)).toBe(false)
    expect(meter.steps).toBeLessThan(4 * text.length)
  })

  test('gives up at its bound: no event is worth more', () => {
    const meter = { steps: 0 }
    expect(like('a'.repeat(20_000), compilePattern(`%${'a'.repeat(4_000)}b`), meter)).toBeUndefined()
    expect(meter.steps).toBe(MAX_STEPS + 1)
    const sql = made(`subject LIKE '%${'a'.repeat(4_000)}b' OR true`)
    expect(sql.run(event({ subject: 'a'.repeat(20_000) }))).toMatchObject({ type: 'generic', value: false })
  })
})

describe('what is hostile', () => {
  test.each([
    ['200 brackets', `${'('.repeat(200)}true${')'.repeat(200)}`, 64, /nests deeper than 64/],
    ['2,000 NOT', `${'NOT '.repeat(1_000)}true`, 256, /nests deeper than 64/],
    ['calls in calls', `${'ABS('.repeat(200)}1`, 256, /nests deeper than 64/],
    ['64 KiB', `true${' AND true'.repeat(8_000)}`, 4_096, /at most 4096/],
    ['no end of a string', `'${'\\'.repeat(4_000)}`, 0, /no closing '/],
    ['a NUL', 'type = \0', 7, /unexpected "\\u0000"/],
  ])('%s', (_, text, offset, message) => {
    expect(compileSql(text)).toEqual({ offset, message: expect.stringMatching(message) })
  })

  test('the longest chain of operators runs', () => {
    expect(made(`1${'+1'.repeat(2_047)}`).run(event())).toBe(2_048)
    expect(made(`true${' AND true'.repeat(454)}`).run(event())).toBe(true)
    expect(clausesOf(made(`true${' AND true'.repeat(454)}`))).toHaveLength(455)
  })

  test('no event makes a function build text without end', () => {
    const subject = 'x'.repeat(1_000_000)
    const sql = made(`LENGTH(CONCAT_WS(subject${", 'a'".repeat(500)})) > 0`)
    expect(sql.run(event({ subject }))).toMatchObject({ type: 'generic', value: false })
  })
})

describe('a condition that can be true of no event is told of', () => {
  test.each([
    ['5 + 3', 0, /expected a condition, got an integer/],
    ["  'a'", 2, /expected a condition, got a string/],
    ['UPPER(type)', 0, /got a string/],
    ["type = 'a' AND LENGHT(type) > 1", 15, /no function LENGHT; did you mean LENGTH\?/],
    ['NOPE()', 0, /there are ABS, LENGTH/],
    ['LEFT(type) = 1', 0, /LEFT takes 2 arguments, got 1/],
    ["data = 'a'", 0, /`when` reads data/],
    ["data.a = 'a'", 4, /`when` reads data/],
    ["type = 'a' && true", 11, /write AND/],
    ["!(type = 'a')", 0, /write NOT/],
    ["type == 'a'", 6, /one = will do/],
    ["type = 'it''s'", 11, /written \\'/],
    ['type LIKE 5', 10, /in quotes/],
    ["type IN 'a'", 8, /stand in \( \)/],
    ['type = ', 7, /ends too early/],
    ['', 0, /empty/],
    ['a_b = 1', 0, /letters and digits/],
    ['99999999999 = 1', 0, /no 32-bit integer/],
  ])('%s', (text, offset, message) => {
    expect(compileCondition(text)).toEqual({ offset, message: expect.stringMatching(message) })
  })

  test('one whose type only an event tells is fine', () => {
    expect(compileCondition('urgent')).toHaveProperty('run')
    expect(compileCondition('BOOL(urgent)')).toHaveProperty('run')
  })
})
