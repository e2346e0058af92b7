/** Calls of functions: which one it is, and what its arguments become. */

import { type BuiltIn, functionOf } from './functions.ts'
import { MAX_STEPS } from './like.ts'
import { type Run, TOO_MANY } from './scope.ts'
import { fault, faultAs, isFault, type Kind, type Outcome, toBoolean, toInteger, toText, type Value } from './value.ts'

const ZERO: Readonly<Record<Kind, Value>> = { String: '', Integer: 0, Boolean: false }

/** Compiles a call: its arguments become of the types that the function takes. */
export function call(name: string, args: readonly Run[]): Run {
  const found = functionOf(name, args.length)
  if (!found) {
    const missing = fault('missingFunction', false, `there is no function ${name} of ${args.length} arguments`)
    return () => missing
  }
  return (scope) => {
    const values: Value[] = []
    for (const arg of args) {
      const held = arg(scope)
      const value = isFault(held) ? held : castTo(held, found, values.length)
      if (isFault(value)) return faultAs(value, ZERO[found.gives])
      values.push(value)
    }
    // CONCAT_WS repeats its first argument: no event can have a function build more text than this.
    for (const [at, value] of values.entries())
      if (typeof value === 'string') scope.steps += at === 0 ? value.length * values.length : value.length
    return scope.steps > MAX_STEPS ? faultAs(TOO_MANY, ZERO[found.gives]) : found.run(values)
  }
}

function castTo(value: Value, { rest, takes }: BuiltIn, at: number): Outcome {
  switch (takes[at] ?? rest) {
    case 'String':
      return toText(value)
    case 'Integer':
      return toInteger(value)
    case 'Boolean':
      return toBoolean(value)
    default:
      return value
  }
}
