/** What is wrong with a JSONata expression, and where. What it does is evaluated elsewhere. */

import { createRequire } from 'node:module'
import type { ExpressionProblem } from './expression.ts'

/** Longer ones are no configuration any more. */
const MAX_LENGTH = 16_384

const require = createRequire(import.meta.url)

/** Returns the problem of an expression that is none, in JSONata's words; undefined when it has none. */
export function jsonataProblem(text: string): ExpressionProblem | undefined {
  if (text.trim() === '') return { offset: 0, message: 'the expression is empty; leave the key out to change nothing' }
  if (text.length > MAX_LENGTH)
    return { offset: MAX_LENGTH, message: `the expression has ${text.length} characters; at most ${MAX_LENGTH}` }
  // Loading it takes 10 ms: only those pay who use it.
  const jsonata = require('jsonata') as (text: string) => unknown
  try {
    jsonata(text)
    return undefined
  } catch (thrown) {
    return problemOf(thrown)
  }
}

/** JSONata throws records; the engine its own error, when brackets fill the stack. */
function problemOf(thrown: unknown): ExpressionProblem {
  if (thrown instanceof RangeError) return { offset: 0, message: 'the expression nests too deep' }
  const { code, message, position, token } = thrown as Readonly<Record<string, unknown>>
  // Its position is behind what it names.
  const length = typeof token === 'string' && token !== '(end)' ? token.length : 1
  const told = String(message ?? thrown)
  return {
    offset: Math.max(0, Number(position ?? 0) - length),
    message: `this is no JSONata: ${told.charAt(0).toLowerCase()}${told.slice(1)} (${String(code)} at ${String(position)})`,
  }
}
