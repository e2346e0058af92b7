/** The shape that every type of an `event_sources` document has: options, and a list of what goes where. */

import * as z from 'zod'
import { mapping, type Reporter } from '../names.ts'
import { check } from '../report.ts'
import type { Path } from '../tree.ts'
import type { Expansion } from './expansion.ts'

/** One entry of a list, read. */
export interface Item<I> {
  readonly value: I
  readonly at: Path
}

/** One entry of `event_sources`, read. */
export interface Entry<H, I> {
  /** Given by the operator, or the type. */
  readonly name: string
  readonly config: H
  readonly items: readonly Item<I>[]
  /** The path of the entry; its options are at `config` below it. */
  readonly at: Path
}

/** What an expansion is made with. */
export interface Tools {
  readonly out: Expansion
  readonly reporter: Reporter
}

/** What a type declares. */
interface Spec<H extends z.ZodObject, I extends z.ZodObject> {
  /** What it is, for the reference. */
  readonly summary: string
  /** The key of the list under `config`. */
  readonly list: string
  /** What the list holds, for the reference. */
  readonly items: string
  readonly config: H
  readonly item: I
  expand(entry: Entry<z.output<H>, z.output<I>>, tools: Tools): void
}

export interface Kind extends Pick<Spec<z.ZodObject, z.ZodObject>, 'summary' | 'list' | 'config' | 'item'> {
  /** An entry of this type as a whole, for editors. */
  schema(type: string): z.ZodObject
  /** Reads an entry, reports everything wrong with it, and expands what is sound. */
  expand(type: string, written: Readonly<Record<string, unknown>>, at: Path, tools: Tools): void
}

/** Declares a type. */
export function kind<H extends z.ZodObject, I extends z.ZodObject>(spec: Spec<H, I>): Kind {
  const { list, items: about, summary, config, item } = spec
  const withList = (entries: z.ZodType) => z.strictObject({ ...config.shape, [list]: entries })
  return {
    summary,
    list,
    config,
    item,
    schema: (type) =>
      z.strictObject({
        type: z.literal(type).describe(summary),
        name,
        config: withList(z.array(item).min(1).describe(about)).describe('Options of this type.'),
      }),
    expand(type, written, at, tools) {
      const { reporter } = tools
      const report = reporter.problems.push.bind(reporter.problems)
      const outer = z.strictObject({ type: z.unknown(), name, config: withList(z.array(z.unknown()).min(1)) })
      check(outer, written, at, reporter.places, report)
      const given = z.object({ config: z.looseObject({ [list]: z.array(z.unknown()) }), name }).safeParse(written)
      if (!given.success) return
      const entries = given.data.config[list] as readonly unknown[]
      const read = entries.map((one, index) => readItem(item, one, [...at, 'config', list, index], reporter))
      const options = usable(config, given.data.config)
      if (!options) return
      const sound = read.filter((one) => one !== undefined)
      spec.expand({ name: given.data.name ?? type, config: options, items: sound, at }, tools)
    },
  }
}

const name = z
  .string()
  .min(1)
  .optional()
  .describe('A name of your choice: that of the source, where an entry is one source.')

function readItem<I extends z.ZodObject>(
  schema: I,
  written: unknown,
  at: Path,
  { places, problems }: Reporter,
): Item<z.output<I>> | undefined {
  const value = check(schema, written, at, places, (problem) => problems.push(problem))
  const known = value ?? usable(schema, mapping(written))
  return known && { value: known, at }
}

/** What is sound of something with a mistake, so that the mistakes of that are told, too; undefined when too little is. */
export function usable<S extends z.ZodObject>(
  schema: S,
  written: Readonly<Record<string, unknown>>,
): z.output<S> | undefined {
  const sound = Object.entries(schema.shape).filter(([key, part]) => z.safeParse(part, written[key]).success)
  return schema.safeParse(Object.fromEntries(sound.map(([key]) => [key, written[key]]))).data
}
