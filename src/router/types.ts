/** Infers the type of a CEL expression from the signatures of the functions it calls; the library checks names only. */

import { type CelEnv, CelScalar, type CelType, type parse } from '@bufbuild/cel'
import { nearest } from '../schema/index.ts'
import { patternProblem } from './regexp.ts'
import { ATTRIBUTES, NAMES } from './variables.ts'

export type Expr = ReturnType<typeof parse>['expr']

/** A mistake in an expression, at the node of this id. */
export class TypeMistake extends Error {
  readonly id: bigint

  constructor(id: bigint, message: string) {
    super(message)
    this.id = id
  }
}

const { DYN, STRING, BOOL, INT, UINT, DOUBLE, BYTES, NULL } = CelScalar
const NUMBERS: readonly string[] = ['int', 'uint', 'double']
/** Names that are types, as in `type(data) == map`. */
export const TYPE_NAMES: ReadonlySet<string> = new Set([
  'int',
  'uint',
  'double',
  'bool',
  'string',
  'bytes',
  'list',
  'map',
  'null_type',
])
const SYMBOL = /^_?(.*?)_?$/
const EXTENSION = /^[a-z0-9]+$/
const ATTRIBUTE_SET: ReadonlySet<string> = new Set([...ATTRIBUTES, 'topic'])

type Locals = ReadonlySet<string>

/** Returns the type of an expression, or DYN where only an event can tell. Throws TypeMistake. */
export function typeOf(expr: Expr, env: CelEnv, locals: Locals = new Set()): CelType {
  const kind = expr.exprKind
  switch (kind.case) {
    case 'constExpr':
      return typeOfConstant(kind.value.constantKind.case)
    case 'identExpr':
      return typeOfName(expr.id, kind.value.name, locals)
    case 'selectExpr':
      return typeOfSelect(expr, env, locals)
    case 'callExpr':
      return typeOfCall(expr, env, locals)
    case 'comprehensionExpr':
      return typeOfComprehension(expr, env, locals)
    case 'listExpr':
      for (const element of kind.value.elements) typeOf(element, env, locals)
      return DYN
    case 'structExpr':
      for (const entry of kind.value.entries) if (entry.value) typeOf(entry.value, env, locals)
      return DYN
    default:
      return DYN
  }
}

function typeOfConstant(kind: string | undefined): CelType {
  const types: Record<string, CelType> = {
    boolValue: BOOL,
    bytesValue: BYTES,
    doubleValue: DOUBLE,
    int64Value: INT,
    nullValue: NULL,
    stringValue: STRING,
    uint64Value: UINT,
  }
  return types[kind ?? ''] ?? DYN
}

function typeOfName(id: bigint, name: string, locals: Locals): CelType {
  if (locals.has(name) || name === 'data' || name === 'event') return DYN
  if (ATTRIBUTE_SET.has(name)) return STRING
  if (TYPE_NAMES.has(name)) return DYN
  const close = nearest(name, NAMES)
  if (close !== undefined && close.length > 3)
    throw new TypeMistake(id, `"${name}" is not known; did you mean "${close}"? (an extension: event.${name})`)
  if (!EXTENSION.test(name))
    throw new TypeMistake(id, `"${name}" is not known; there are ${NAMES.join(', ')} and extension attributes`)
  return DYN
}

function typeOfSelect(expr: Expr, env: CelEnv, locals: Locals): CelType {
  if (expr.exprKind.case !== 'selectExpr' || !expr.exprKind.value.operand) return DYN
  const { operand, field } = expr.exprKind.value
  const type = typeOf(operand, env, locals)
  if (type.kind === 'scalar' && type !== DYN)
    throw new TypeMistake(expr.id, `${article(type.name)} has no field "${field}"`)
  return DYN
}

function typeOfComprehension(expr: Expr, env: CelEnv, locals: Locals): CelType {
  if (expr.exprKind.case !== 'comprehensionExpr') return DYN
  const { accuVar, iterVar, iterVar2, iterRange, accuInit, loopCondition, loopStep, result } = expr.exprKind.value
  if (iterRange) {
    const range = typeOf(iterRange, env, locals)
    if (range.kind === 'scalar' && range !== DYN)
      throw new TypeMistake(iterRange.id, `expected a list or a map, got ${range.name}`)
  }
  const inner = new Set([...locals, accuVar, iterVar, iterVar2])
  for (const part of [accuInit, loopCondition, loopStep]) if (part) typeOf(part, env, inner)
  const type = result ? typeOf(result, env, inner) : DYN
  const initial = accuInit ? typeOf(accuInit, env, inner) : DYN
  return type === DYN && initial === BOOL ? BOOL : type
}

function typeOfCall(expr: Expr, env: CelEnv, locals: Locals): CelType {
  if (expr.exprKind.case !== 'callExpr') return DYN
  const { function: name, target, args } = expr.exprKind.value
  const receiver = target && typeOf(target, env, locals)
  const types = args.map((arg) => typeOf(arg, env, locals))
  if (name === '_&&_' || name === '_||_') return typeOfLogic(name, args, types)
  if (name === '_?_:_') return typeOfChoice(args, types)
  if (name.startsWith('@') || name === '_[_]' || name.startsWith('_[?') || name.startsWith('_?.'))
    return name === '@in' ? BOOL : DYN
  if (name === '_==_' || name === '_!=_') return typeOfEquality(expr.id, name, types)
  if (name === 'matches') checkPattern(args.at(-1))
  return typeOfOverload(expr.id, name, receiver, types, env)
}

/** A pattern that is written out and is none would match nothing, and only `why` would tell. */
function checkPattern(pattern: Expr | undefined): void {
  if (pattern?.exprKind.case !== 'constExpr') return
  const { constantKind } = pattern.exprKind.value
  const wrong = constantKind.case === 'stringValue' ? patternProblem(constantKind.value) : undefined
  if (wrong !== undefined)
    throw new TypeMistake(pattern.id, `${JSON.stringify(constantKind.value)} is no pattern of RE2: ${wrong}`)
}

function typeOfLogic(name: string, args: readonly Expr[], types: readonly CelType[]): CelType {
  types.forEach((type, at) => {
    if (type !== BOOL && type !== DYN)
      throw new TypeMistake(args[at]?.id ?? 0n, `expected a bool beside ${symbol(name)}, got ${type.name}`)
  })
  return BOOL
}

function typeOfChoice(args: readonly Expr[], [condition, yes, no]: readonly CelType[]): CelType {
  if (condition && condition !== BOOL && condition !== DYN)
    throw new TypeMistake(args[0]?.id ?? 0n, `expected a bool before ?, got ${condition.name}`)
  return yes && yes === no ? yes : DYN
}

/** Values of unlike types are never equal: to compare them is a mistake, not a question. */
function typeOfEquality(id: bigint, name: string, [left, right]: readonly CelType[]): CelType {
  if (!left || !right || left === DYN || right === DYN || left === NULL || right === NULL) return BOOL
  const alike = left.name === right.name || (NUMBERS.includes(left.name) && NUMBERS.includes(right.name))
  if (!alike)
    throw new TypeMistake(
      id,
      `${article(left.name)} ${symbol(name)} ${article(right.name)} says nothing; write both alike`,
    )
  return BOOL
}

function typeOfOverload(
  id: bigint,
  name: string,
  receiver: CelType | undefined,
  types: readonly CelType[],
  env: CelEnv,
): CelType {
  const group = env.funcs.find(name)
  if (!group) throw new TypeMistake(id, unknownFunction(name, env))
  const fits = [...group].filter(
    (overload) =>
      (overload.target === undefined) === (receiver === undefined) &&
      (overload.target === undefined || receiver === undefined || accepts(overload.target, receiver)) &&
      overload.arguments.length === types.length &&
      overload.arguments.every((argument, at) => accepts(argument, types[at] ?? DYN)),
  )
  const [first] = fits
  if (!first) throw new TypeMistake(id, noOverload(name, receiver, types))
  return fits.every(({ result }) => result.name === first.result.name) ? first.result : DYN
}

const accepts = (wanted: CelType, given: CelType): boolean =>
  wanted === DYN || given === DYN || wanted.name === given.name

/** `a string`, `an int`, `anything`. */
export const article = (name = 'any'): string =>
  name === 'any' ? 'anything' : `${/^[aeio]/.test(name) ? 'an' : 'a'} ${name}`

const symbol = (name: string): string => SYMBOL.exec(name)?.[1] ?? name

function unknownFunction(name: string, env: CelEnv): string {
  const known = [...env.funcs].map((func) => func.name).filter((other) => /^[a-z]/i.test(other))
  const close = nearest(name, known)
  return `there is no function "${name}"${close ? `; did you mean "${close}"?` : ''}`
}

function noOverload(name: string, receiver: CelType | undefined, types: readonly CelType[]): string {
  const names = types.map((type) => (type === DYN ? 'any' : type.name))
  if (/^[a-z]/i.test(name)) return `${receiver ? `${receiver.name}.` : ''}${name}(${names.join(', ')}) does not exist`
  return names.length === 2
    ? `${symbol(name)} does not take ${article(names[0])} and ${article(names[1])}`
    : `${symbol(name)} does not take ${article(names[0])}`
}
