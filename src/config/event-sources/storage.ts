/** `type: storage`: what happens to the objects of buckets. */

import * as z from 'zod'
import { traced } from './expansion.ts'
import { kind } from './kind.ts'
import { targetFunction } from './scalars.ts'

const EVENTS = { 'object.created': 'created', 'object.deleted': 'deleted' } as const

/** What a key begins or ends with. */
export const filter = z
  .strictObject({
    prefix: z.string().min(1).optional().describe('What the key begins with.'),
    suffix: z.string().min(1).optional().describe('What the key ends with.'),
  })
  .refine(({ prefix, suffix }) => prefix !== undefined || suffix !== undefined, {
    error: 'expected a prefix or a suffix',
  })

export const storage = kind({
  summary: 'Objects of buckets that come and go: a source and a route for each bucket.',
  list: 'buckets',
  items: 'Buckets.',
  config: z.strictObject({
    provider: z.enum(['aws_s3']).describe('Whose storage it is.'),
    region: z.string().min(1).optional().describe('The region of the buckets.'),
  }),
  item: z.strictObject({
    name: z.string().min(1).describe('The bucket.'),
    events: z
      .array(z.enum(['object.created', 'object.deleted']))
      .min(1)
      .optional()
      .describe('What is told of.'),
    target_function: targetFunction,
    filters: z.array(filter).optional().describe('Which objects: those that one of these takes; all when not given.'),
  }),
  expand({ config: { region }, items, at }, { out }) {
    for (const { value, at: here } of items) {
      const { name, events, target_function, filters } = value
      const source = out.add('sources', name, [...here, 'name'], {
        storage: {
          s3: {
            bucket: traced(name, [...here, 'name']),
            region: region === undefined ? undefined : traced(region, [...at, 'config', 'region']),
          },
          events: events && traced([...new Set(events.map((event) => EVENTS[event]))], [...here, 'events']),
        },
      })
      out.add('routes', name, here, {
        from: traced(source, [...here, 'name']),
        when: filters && filters.length > 0 ? traced(keys(filters), [...here, 'filters']) : undefined,
        to: traced(target_function, [...here, 'target_function']),
      })
    }
  },
})

/** A condition on the key of the object, which is the subject of the event. */
export function keys(filters: readonly z.output<typeof filter>[]): string {
  const all = filters.map(({ prefix, suffix }) =>
    [
      ...(prefix === undefined ? [] : [`subject.startsWith(${JSON.stringify(prefix)})`]),
      ...(suffix === undefined ? [] : [`subject.endsWith(${JSON.stringify(suffix)})`]),
    ].join(' && '),
  )
  return all.join(' || ')
}
