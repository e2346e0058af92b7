/** `filters` of a route as written in YAML: objects of one dialect of the CloudEvents Subscriptions API each. */

import * as z from 'zod'
import { isAttributeName } from '../event/index.ts'
import { compileCondition, isSqlProblem } from './cesql/index.ts'
import type { Filter, FilterAttributes } from './route.ts'

const DIALECTS = ['exact', 'prefix', 'suffix', 'all', 'any', 'not', 'sql'] as const

/** A filter as it is written: of these, one. */
export interface FilterConfig {
  exact?: FilterAttributes | undefined
  prefix?: FilterAttributes | undefined
  suffix?: FilterAttributes | undefined
  all?: FilterConfig[] | undefined
  any?: FilterConfig[] | undefined
  not?: FilterConfig | undefined
  sql?: string | undefined
}

const attributeName = z.string().check((context) => {
  const name = context.value
  if (isAttributeName(name)) return
  const lower = name.toLowerCase()
  const help = isAttributeName(lower) ? `; did you mean "${lower}"?` : '; a name has lower-case letters and digits'
  const message =
    name === 'data'
      ? '"data" is no attribute; `when` reads data'
      : name === ''
        ? 'an attribute has a name'
        : `"${name}" is no attribute${help}`
  context.issues.push({ code: 'custom', input: name, message })
})

const attributes = z.record(attributeName, z.string().min(1)).check((context) => {
  if (Object.keys(context.value).length === 0)
    context.issues.push({
      code: 'custom',
      input: context.value,
      message: 'expected an attribute and its text, such as type: order.created',
    })
})

/** Checked here, so that it is told together with what is wrong beside it; `offset` is where in the expression it lies. */
const condition = z.string().check((context) => {
  const made = compileCondition(context.value)
  if (isSqlProblem(made))
    context.issues.push({
      code: 'custom',
      input: context.value,
      message: made.message,
      params: { offset: made.offset },
    })
})

/** One filter. The dialects nest: a file that nests too deep is refused before it comes here. */
export const filterConfig: z.ZodType<FilterConfig> = z.lazy(() => filter)

const list = z.array(filterConfig).min(1)

const filter = z
  .strictObject({
    exact: attributes.optional().describe('Attributes that are all exactly this text: `{ type: order.created }`.'),
    prefix: attributes.optional().describe('Attributes that all begin with this text.'),
    suffix: attributes.optional().describe('Attributes that all end with this text.'),
    all: list.optional().describe('Filters that must all pass.'),
    any: list.optional().describe('Filters of which one must pass.'),
    not: filterConfig.optional().describe('A filter that must not pass.'),
    sql: condition
      .optional()
      .describe(
        "A CESQL 1.0 condition over attributes: `source LIKE '%/shop' AND EXISTS subject`. AND, OR and XOR bind alike, from left to right. An event for which it gives an error does not pass.",
      ),
  })
  .check((context) => {
    const dialects = DIALECTS.filter((dialect) => context.value[dialect] !== undefined)
    // A misspelt dialect is told of as that, and is not missing, too.
    const misspelt = dialects.length === 0 && context.issues.some(({ code }) => code === 'unrecognized_keys')
    if (dialects.length === 1 || misspelt) return
    const message =
      dialects.length === 0
        ? `expected one of ${DIALECTS.join(', ')}, got none`
        : `${dialects.join(' and ')}: a filter has one of them; write each as a filter of its own`
    context.issues.push({ code: 'custom', input: context.value, message })
  })

/** The filter that was written: the schema has seen to it that there is one dialect. */
export function readFilter({ all, any, exact, not, prefix, sql, suffix }: FilterConfig): Filter {
  if (exact) return { exact }
  if (prefix) return { prefix }
  if (suffix) return { suffix }
  if (all) return { all: all.map(readFilter) }
  if (any) return { any: any.map(readFilter) }
  return not ? { not: readFilter(not) } : { sql: sql ?? '' }
}
