/** `triggerType: storage`: what happens to the objects of a bucket, or to the files of a directory. */

import * as z from 'zod'
import { type Traced, traced } from '../../event-sources/expansion.ts'
import type { Tools } from '../../event-sources/kind.ts'
import { filter, keys } from '../../event-sources/storage.ts'
import { groups, oneOrMore, ownSource, type Trigger, trigger } from './trigger.ts'

const event = z.enum(['object.created', 'object.deleted', 'created', 'deleted'])
const own = 'write it in a configuration, as an option of a source; the trigger names that: source: <name>'

const config = z
  .strictObject({
    provider: z.enum(['aws_s3']).optional().describe('Whose storage it is.'),
    bucket: z.string().min(1).optional().describe('The bucket, of S3 or of what speaks like it.'),
    region: z.string().min(1).optional().describe('The region of the bucket.'),
    endpoint: z.string().min(1).optional().describe('Where S3 is, when it is not the one of AWS.'),
    queue: z
      .string()
      .min(1)
      .optional()
      .describe('The SQS queue that gets its notifications; that of its settings when not given.'),
    directory: z.string().min(1).optional().describe('A directory of this machine, in place of a bucket.'),
    source: ownSource,
    events: z.array(event).min(1).optional().describe('What is told of: all when not given.'),
    prefix: oneOrMore().optional().describe('What the key begins with: any of these.'),
    suffix: oneOrMore().optional().describe('What the key ends with: any of these.'),
    filters: z.array(filter).optional().describe('Which objects: those that one of these takes.'),
  })
  .superRefine(({ bucket, directory, source, ...options }, context) => {
    const issue = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    const given = Object.entries({ bucket, directory, source }).filter(([, value]) => value !== undefined)
    if (given.length === 0) issue('bucket', 'expected text, got nothing; write bucket, directory, or source')
    for (const [key] of given.slice(1)) issue(key, `stands beside ${given[0]?.[0]}; write one of the two`)
    for (const key of ['provider', 'region', 'endpoint', 'queue'] as const)
      if (options[key] !== undefined && bucket === undefined) issue(key, 'is for a bucket; leave it out')
  })

type Storage = Trigger<z.output<typeof config>>

export const storage = trigger({
  summary: 'Objects of a bucket, or files of a directory, that come and go: a source, and a route for each trigger.',
  aliases: { bucketName: 'bucket', bucket_name: 'bucket' },
  elsewhere: { fetch: own, visibility: own, stable: own, hidden: own, rescan: own, webhook: own },
  config,
  expand(triggers, tools) {
    for (const one of triggers.filter(({ config: { source } }) => source !== undefined)) {
      const from = traced(one.config.source, [...one.at, 'source'])
      addRoute(one, from, typesOf(one), tools)
    }
    const made = triggers.filter(({ config: { source } }) => source === undefined)
    const id = ({ config: { bucket, region, endpoint, queue, directory } }: Storage) =>
      [bucket, region, endpoint, queue, directory].map((part) => part ?? null)
    for (const group of groups(made, id)) addSource(group, tools)
  },
})

/** What a trigger is told of; undefined is all. */
const typesOf = ({ config: { events } }: Storage): readonly string[] | undefined =>
  events && [...new Set(events.map((one) => one.replace('object.', '')))].toSorted()

/** Two sources would take each other's notifications from one queue. */
function addSource(group: readonly [Storage, ...Storage[]], tools: Tools): void {
  const [first] = group
  const { at, config: options } = first
  const option = (key: 'bucket' | 'region' | 'endpoint' | 'queue' | 'directory') =>
    options[key] === undefined ? undefined : traced(options[key], [...at, key])
  const all = group.some((one) => typesOf(one) === undefined)
  const events = all ? undefined : [...new Set(group.flatMap((one) => typesOf(one) ?? []))].toSorted()
  const source = tools.out.add('sources', first.name, at, {
    storage: {
      directory: option('directory'),
      s3:
        options.bucket === undefined
          ? undefined
          : {
              bucket: option('bucket'),
              region: option('region'),
              endpoint: option('endpoint'),
              queue: option('queue'),
            },
      events: events && traced(events, [...at, 'events']),
    },
  })
  for (const one of group) {
    const types = typesOf(one)
    const same = JSON.stringify(types) === JSON.stringify(events)
    const from = traced(source, one.config.bucket === undefined ? [...one.at, 'directory'] : [...one.at, 'bucket'])
    addRoute(one, from, same ? undefined : types, tools)
  }
}

function addRoute(one: Storage, from: Traced, types: readonly string[] | undefined, { out }: Tools): void {
  const { at, config: options, name, to } = one
  const { filters, prefix, suffix } = options
  const conditions = [
    types && `type in [${types.map((type) => JSON.stringify(`headgate.storage.${type}`)).join(', ')}]`,
    prefix && keys(prefix.map((text) => ({ prefix: text }))),
    suffix && keys(suffix.map((text) => ({ suffix: text }))),
    filters && filters.length > 0 ? keys(filters) : undefined,
  ].filter((condition) => condition !== undefined)
  const when = conditions.length < 2 ? conditions[0] : conditions.map((condition) => `(${condition})`).join(' && ')
  out.add('routes', name, at, { from, when: when === undefined ? undefined : traced(when, at), to })
}
