/** `type: database`: what happens to the rows of tables. */

import * as z from 'zod'
import { traced } from './expansion.ts'
import { kind } from './kind.ts'
import { targetFunction } from './scalars.ts'

const operation = z.enum(['INSERT', 'UPDATE', 'DELETE'])

export const database = kind({
  summary: 'Rows of tables that change: a source, and a route for each table.',
  list: 'tables',
  items: 'Tables.',
  config: z.strictObject({
    type: z.enum(['postgresql']).describe('Which database it is.'),
    connection_string: z
      .string()
      .min(1)
      .describe('Where it is, such as postgres://host/database; write it as a variable.')
      .meta({ secret: true }),
  }),
  item: z.strictObject({
    name: z.string().min(1).describe('The table, in the schema `public` unless it says another: `sales.orders`.'),
    operations: z.array(operation).min(1).describe('What is told of.'),
    target_function: targetFunction,
  }),
  expand({ name, config: { connection_string }, items, at }, { out }) {
    // Each is wrong, and told already.
    if (items.length === 0) return
    const tables = new Map<string, Set<string>>()
    for (const { value } of items) {
      const held = tables.get(value.name) ?? new Set()
      for (const one of value.operations) held.add(one.toLowerCase())
      tables.set(value.name, held)
    }
    const listed = [...tables].map(([table, held]) => {
      const first = items.find(({ value }) => value.name === table)?.at ?? at
      return [table, traced([...held], [...first, 'operations'])]
    })
    const source = out.add('sources', name, [...at, 'type'], {
      postgres: {
        url: traced(connection_string, [...at, 'config', 'connection_string']),
        tables: traced(Object.fromEntries(listed), [...at, 'config', 'tables']),
      },
    })
    for (const { value, at: here } of items) {
      const own = new Set(value.operations.map((one) => one.toLowerCase()))
      const all = own.size === tables.get(value.name)?.size
      const table = value.name.includes('.') ? value.name : `public.${value.name}`
      const types = [...own].map((one) => `"headgate.postgres.${one}"`).join(', ')
      const where = [
        ...(tables.size > 1 ? [`source == ${JSON.stringify(`/postgres/${source}/${encodeURIComponent(table)}`)}`] : []),
        // Another entry wants other changes of the same table.
        ...(all ? [] : [`type in [${types}]`]),
      ]
      out.add('routes', value.name, here, {
        from: traced(source, [...here, 'name']),
        when: where.length === 0 ? undefined : traced(where.join(' && '), [...here, 'operations']),
        to: traced(value.target_function, [...here, 'target_function']),
      })
    }
  },
})
