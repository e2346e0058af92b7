/** What a schema says of the option at a path: the help for a mistake whose message has none. */

import * as z from 'zod'
import type { Path } from './tree.ts'

interface Node {
  readonly $ref?: string
  readonly description?: string
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly secret?: boolean
  readonly properties?: Readonly<Record<string, Node>>
  readonly additionalProperties?: Node | boolean
  readonly items?: Node
  readonly anyOf?: readonly Node[]
  readonly allOf?: readonly Node[]
}

/** Returns what tells of the option at a path, or of the nearest above it; the schema is read at the first call. */
export function helper(schema: z.ZodType): (path: Path) => string | undefined {
  let root: Node | undefined
  return (path) => {
    root ??= z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Node
    return tell(root, path)
  }
}

function tell(root: Node, path: Path): string | undefined {
  let nodes = alternatives(root, root)
  let told: string | undefined
  for (const key of path) {
    nodes = nodes.flatMap((node) => below(node, key)).flatMap((node) => alternatives(node, root))
    const described = nodes.find(({ description }) => description !== undefined)
    if (described) told = sentence(described)
  }
  return told
}

function below(node: Node, key: string | number): readonly Node[] {
  const next = typeof key === 'number' ? node.items : (node.properties?.[key] ?? node.additionalProperties)
  return typeof next === 'object' ? [next] : []
}

function alternatives(node: Node, root: Node): readonly Node[] {
  const named = node.$ref === undefined ? [] : [resolve(node.$ref, root)]
  const inner = [...named, ...(node.anyOf ?? []), ...(node.allOf ?? [])]
  return [node, ...inner.flatMap((one) => (one === root ? [] : alternatives(one, root)))]
}

const resolve = (ref: string, root: Node): Node =>
  ref
    .split('/')
    .slice(1)
    .reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], root) as Node

function sentence({ description = '', examples, default: otherwise, secret }: Node): string {
  const example = secret ? undefined : (examples?.[0] ?? otherwise)
  const shown = typeof example === 'object' && Object.keys(example ?? {}).length === 0 ? undefined : example
  if (shown === undefined) return description
  return `${description} Such as ${typeof shown === 'string' ? shown : JSON.stringify(shown)}.`
}
