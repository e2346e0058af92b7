/** Finds what a schema marks as secret inside a value, so that it is hidden wherever the value is shown. */

import * as z from 'zod'

interface Node {
  readonly $ref?: string
  readonly secret?: boolean
  readonly properties?: Readonly<Record<string, Node>>
  readonly additionalProperties?: Node | boolean
  readonly items?: Node
  readonly prefixItems?: readonly Node[]
  readonly anyOf?: readonly Node[]
  readonly oneOf?: readonly Node[]
  readonly allOf?: readonly Node[]
}

type Visit = (value: unknown) => unknown

export const HIDDEN = '(hidden)'

/** Returns a copy of a value as it was written, each secret in it replaced. */
export const hideSecrets = (schema: z.ZodType, value: unknown): unknown => walk(schema, value, () => HIDDEN)

/** Returns each secret text in a value as it was written. */
export function secretsIn(schema: z.ZodType, value: unknown): readonly string[] {
  const found = new Set<string>()
  walk(schema, value, (secret) => {
    if (typeof secret === 'string' && secret !== '') found.add(secret)
    return secret
  })
  return [...found]
}

function walk(schema: z.ZodType, value: unknown, visit: Visit): unknown {
  const root = roots.get(schema) ?? (z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Node)
  roots.set(schema, root)
  return copy([root], value, visit, root)
}

/** The JSON form of a whole configuration takes 15 ms to make. */
const roots = new WeakMap<z.ZodType, Node>()

/** Copies a value of which any of these nodes may be the schema; what one of them calls secret is secret. */
function copy(nodes: readonly Node[], value: unknown, visit: Visit, root: Node): unknown {
  const all = nodes.flatMap((node) => alternatives(node, root))
  if (all.some(({ secret }) => secret)) return visit(value)
  if (Array.isArray(value)) {
    return value.map((item, i) =>
      copy(all.map(({ items, prefixItems }) => prefixItems?.[i] ?? items).filter(isNode), item, visit, root),
    )
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const inner = all.map(({ properties, additionalProperties }) => properties?.[key] ?? additionalProperties)
      return [key, copy(inner.filter(isNode), item, visit, root)]
    }),
  )
}

function alternatives(node: Node, root: Node): readonly Node[] {
  const named = node.$ref === undefined ? [] : [resolve(node.$ref, root)].filter(isNode)
  const inner = [...named, ...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])]
  return [node, ...inner.flatMap((item) => alternatives(item, root))]
}

/** `#/$defs/name`, or `#` for the whole. */
function resolve(ref: string, root: Node): unknown {
  const steps = ref.split('/').slice(1)
  return steps.reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], root)
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null
