/** What the operators between two values do: on 32-bit integers, with their errors. */

import type { Arithmetic, Comparison } from './ast.ts'
import { type Fault, fault, isInteger } from './value.ts'

/** The order of two integers; = and != go by the type of their values instead. */
export const ORDER: Readonly<Record<Exclude<Comparison, '=' | '!=' | '<>'>, (left: number, right: number) => boolean>> =
  {
    '<': (left, right) => left < right,
    '<=': (left, right) => left <= right,
    '>': (left, right) => left > right,
    '>=': (left, right) => left >= right,
  }

/** Sums and the like of two integers. */
export const ARITHMETIC: Readonly<Record<Arithmetic, (left: number, right: number) => number | Fault>> = {
  '+': (left, right) => whole(left + right, left, '+', right),
  '-': (left, right) => whole(left - right, left, '-', right),
  '*': (left, right) => whole(left * right, left, '*', right),
  '/': (left, right) =>
    right === 0 ? fault('math', 0, `${left} / 0`) : whole(Math.trunc(left / right), left, '/', right),
  // The remainder has the sign of the left side, as in JavaScript.
  '%': (left, right) => (right === 0 ? fault('math', 0, `${left} % 0`) : (left % right) | 0),
}

/** The integer that a result is: one beyond 32 bits is an error, as it is of ABS. */
const whole = (result: number, left: number, operator: string, right: number): number | Fault =>
  isInteger(result) ? result | 0 : fault('math', 0, `${left} ${operator} ${right} is no 32-bit integer`)
