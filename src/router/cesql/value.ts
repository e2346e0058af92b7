/** The values of CESQL: text, 32-bit integers, booleans; how one becomes another, and what stands for an error. */

export type Value = string | number | boolean
export type Kind = 'String' | 'Integer' | 'Boolean'

/** The error types of the specification, section 3.3; a parse error is a problem of the expression, not of an event. */
export type FaultType = 'math' | 'cast' | 'missingAttribute' | 'missingFunction' | 'functionEvaluation' | 'generic'

/** An error, with the value that the part of the expression has all the same. */
export interface Fault {
  readonly type: FaultType
  readonly message: string
  readonly value: Value
}

/** What a part of an expression comes to. */
export type Outcome = Value | Fault

export const MAX_INTEGER = 2_147_483_647
export const MIN_INTEGER = -2_147_483_648

const MAX_SHOWN = 40

/** Whether an outcome is an error: values are never objects. */
export const isFault = (outcome: Outcome): outcome is Fault => typeof outcome === 'object'

/** Makes an error. */
export const fault = (type: FaultType, value: Value, message: string): Fault => ({ type, value, message })

/** The same error, of a part of the expression that has another value. */
export const faultAs = (held: Fault, value: Value): Fault => (held.value === value ? held : { ...held, value })

/** Whether a number is an Integer of CloudEvents. */
export const isInteger = (value: number): boolean =>
  Number.isInteger(value) && value >= MIN_INTEGER && value <= MAX_INTEGER

/** A value as it is written in CESQL, cut when it is long. */
export function shown(value: Value): string {
  if (typeof value !== 'string') return String(value)
  return `'${value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}...` : value}'`
}

/** Casts to Integer, section 3.7. */
export function toInteger(value: Value): number | Fault {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  const read = /^[+-]?[0-9]+$/.test(value) ? Number(value) : Number.NaN
  // -0 is not told from 0 in an integer.
  return isInteger(read) ? read | 0 : fault('cast', 0, `${shown(value)} is no 32-bit integer`)
}

/** Casts to Boolean, section 3.7. */
export function toBoolean(value: Value): boolean | Fault {
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') return value !== 0
  const word = value.length > 5 ? '' : value.toLowerCase()
  return (
    word === 'true' || (word === 'false' ? false : fault('cast', false, `${shown(value)} is neither true nor false`))
  )
}

/** Casts to String, section 3.7: always possible. */
export const toText = (value: Value): string => (typeof value === 'string' ? value : String(value))

/** Casts to the type that another value has. */
export function castLike(value: Value, other: Value): Outcome {
  if (typeof value === typeof other) return value
  if (typeof other === 'string') return toText(value)
  return typeof other === 'number' ? toInteger(value) : toBoolean(value)
}
