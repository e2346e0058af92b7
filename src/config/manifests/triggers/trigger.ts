/** The shape that every type of trigger has: options, and what becomes of all triggers of that type. */

import * as z from 'zod'
import type { Traced } from '../../event-sources/expansion.ts'
import { type Tools, usable } from '../../event-sources/kind.ts'
import { mapping } from '../../names.ts'
import { check } from '../../report.ts'
import type { Path } from '../../tree.ts'
import { type Aliases, renamed } from '../aliases.ts'

/** One trigger, read. */
export interface Trigger<C> {
  readonly config: C
  /** The path of its options. */
  readonly at: Path
  /** What its route and source are called. */
  readonly name: string
  /** The name of its function, and the place of that. */
  readonly function: string
  readonly to: Traced
}

/** What a type declares. */
interface Spec<C extends z.ZodObject> {
  /** What it is, for the reference. */
  readonly summary: string
  readonly config: C
  /** What others call an option. */
  readonly aliases: Aliases
  /** What to write in the place of an option that others have. */
  readonly elsewhere?: Readonly<Record<string, string>>
  /** Given all triggers of the type: those that take from the same place share a source. */
  expand(triggers: readonly Trigger<z.output<C>>[], tools: Tools): void
}

export interface TriggerType extends Pick<Spec<z.ZodObject>, 'summary' | 'config'> {
  /** Begins an expansion. */
  open(tools: Tools): {
    /** Reads the options of one trigger, and reports everything wrong with them. */
    add(written: unknown, given: Omit<Trigger<unknown>, 'config'>): void
    /** Expands what was added. */
    expand(): void
  }
}

/** Declares a type. */
export function trigger<C extends z.ZodObject>(spec: Spec<C>): TriggerType {
  const { summary, config, aliases, elsewhere = {} } = spec
  return {
    summary,
    config,
    open(tools) {
      const { reporter } = tools
      const triggers: Trigger<z.output<C>>[] = []
      return {
        add(written, given) {
          const named = renamed(mapping(written), { ...snake(config), ...aliases }, given.at, reporter)
          const known = Object.entries(named).filter(([key]) => {
            const instead = Object.hasOwn(elsewhere, key) ? elsewhere[key] : undefined
            if (instead === undefined) return true
            reporter.report([...given.at, key], `"${key}" is not known here`, { on: 'key', suggestion: instead })
            return false
          })
          const options = Object.fromEntries(known)
          // What is no mapping is told to be none.
          const checked = mapping(written) === written ? options : written
          const report = reporter.problems.push.bind(reporter.problems)
          const found = check(config, checked, given.at, reporter.places, report) ?? usable(config, options)
          if (found) triggers.push({ ...given, config: found })
        },
        expand: () => spec.expand(triggers, tools),
      }
    },
  }
}

/** `consumer_group` is `consumerGroup`: the form of `event_sources` writes it so. */
const snake = (config: z.ZodObject): Aliases =>
  Object.fromEntries(
    Object.keys(config.shape).map((key) => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), key]),
  )

/** Triggers by what they have in common. */
export function groups<T>(items: readonly T[], id: (item: T) => unknown): readonly (readonly [T, ...T[]])[] {
  const made = new Map<string, [T, ...T[]]>()
  for (const item of items) {
    const key = JSON.stringify(id(item))
    const held = made.get(key)
    if (held) held.push(item)
    else made.set(key, [item])
  }
  return [...made.values()]
}

/** One text, or a list of them. */
export const oneOrMore = () =>
  z.union([
    z.array(z.string().min(1)).min(1),
    z
      .string()
      .min(1)
      .transform((text) => [text]),
  ])

/** A source that stands in the configuration. */
export const ownSource = z
  .string()
  .min(1)
  .optional()
  .describe('A source of the configuration beside it, in place of one that is made from these options.')
