/** `triggerType: kafka`: records of topics. */

import * as z from 'zod'
import { type Traced, traced } from '../../event-sources/expansion.ts'
import { when } from '../../event-sources/filter.ts'
import { EVENT_TYPE } from '../../event-sources/kafka.ts'
import type { Tools } from '../../event-sources/kind.ts'
import { texts } from '../../event-sources/scalars.ts'
import { groups, oneOrMore, ownSource, type Trigger, trigger } from './trigger.ts'

const secured =
  'connections with TLS or a login are written in a configuration, as a source; the trigger names it: source: <name>'

const config = z
  .strictObject({
    brokers: texts().optional().describe('Brokers to begin with, as host:port, or a list of them.'),
    source: ownSource,
    topics: oneOrMore()
      .optional()
      .describe('The topic, or several; all of the source when that is given and this is not.'),
    consumerGroup: z
      .string()
      .min(1)
      .optional()
      .describe(
        'The consumer group, which keeps the offsets; the name of the function when not given. Triggers of the same brokers and group share a source: each gets all records of its topics.',
      ),
    filter: z
      .string()
      .optional()
      .describe("A condition in CEL, such as `event_type == 'order.created'`; as in the `event_sources` form."),
    deadLetterTopic: z
      .string()
      .min(1)
      .optional()
      .describe('A topic on the same brokers that gets a copy of what was given up.'),
    retryAttempts: z
      .int()
      .min(0)
      .max(1_000)
      .optional()
      .describe('How often a failed delivery is tried again after its first attempt.'),
  })
  .superRefine(({ brokers, source, topics, consumerGroup, deadLetterTopic }, context) => {
    const issue = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    if (brokers === undefined && source === undefined)
      issue('brokers', 'expected text, got nothing; write brokers: host:9092, or source: and the name of a source')
    if (topics === undefined && source === undefined) issue('topics', 'expected text or a list, got nothing')
    if (source === undefined) return
    if (brokers !== undefined) issue('brokers', 'the source says the brokers; leave one of the two out')
    if (consumerGroup !== undefined) issue('consumerGroup', 'the source says the group; leave this out')
    if (deadLetterTopic !== undefined)
      issue('deadLetterTopic', 'wants brokers; with a source write dead_letter on a route')
  })

type Kafka = Trigger<z.output<typeof config>>

export const kafka = trigger({
  summary: 'Records of topics: a source, and a route for each trigger.',
  aliases: { topic: 'topics', bootstrapServers: 'brokers', bootstrap_servers: 'brokers', group: 'consumerGroup' },
  elsewhere: { tls: secured, sasl: secured, security: secured, authentication: secured, auth: secured },
  config,
  expand(triggers, tools) {
    for (const one of triggers.filter(({ config: { source } }) => source !== undefined)) {
      const { source, topics } = one.config
      addRoute(one, traced(source, [...one.at, 'source']), topics && inTopics(topics), tools)
    }
    const made = triggers.filter(({ config: { brokers, source } }) => brokers !== undefined && source === undefined)
    for (const group of groups(made, (one) => [one.config.brokers, groupOf(one)])) addSource(group, tools)
  },
})

const topicsOf = (one: Kafka): readonly string[] => one.config.topics ?? []
const groupOf = (one: Kafka): string => one.config.consumerGroup ?? one.function

function addSource(group: readonly [Kafka, ...Kafka[]], tools: Tools): void {
  const [first] = group
  const { at, config: options } = first
  const topics = [...new Set(group.flatMap(topicsOf))]
  const source = tools.out.add('sources', first.name, at, {
    kafka: {
      brokers: traced(options.brokers, [...at, 'brokers']),
      group:
        options.consumerGroup === undefined ? first.function : traced(options.consumerGroup, [...at, 'consumerGroup']),
      topics: topics.map((topic) => {
        const owner = group.find((one) => topicsOf(one).includes(topic)) ?? first
        return traced(topic, [...owner.at, 'topics'])
      }),
    },
    // Records that are no CloudEvents have their type where those who wrote such filters put it.
    as: group.some((one) => one.config.filter !== undefined) ? { type: EVENT_TYPE } : undefined,
  })
  for (const one of group) {
    const own = new Set(topicsOf(one))
    addRoute(
      one,
      traced(source, [...one.at, 'topics']),
      own.size < topics.length ? inTopics([...own]) : undefined,
      tools,
    )
  }
}

const inTopics = (topics: readonly string[]): string => {
  const [first, ...others] = topics.map((topic) => JSON.stringify(topic))
  return others.length === 0 ? `topic == ${first}` : `topic in [${[first, ...others].join(', ')}]`
}

function addRoute(one: Kafka, from: Traced, ours: string | undefined, { out }: Tools): void {
  const { at, config: options, name, to } = one
  const { brokers, deadLetterTopic, filter, retryAttempts } = options
  const dead = [...at, 'deadLetterTopic']
  out.add('routes', name, at, {
    from,
    when: when(ours, filter, [...at, 'filter']),
    to,
    retry: retryAttempts === undefined ? undefined : traced(retryAttempts, [...at, 'retryAttempts']),
    dead_letter:
      deadLetterTopic === undefined || brokers === undefined
        ? undefined
        : traced(
            out.sink(deadLetterTopic, dead, {
              kafka: { brokers: traced(brokers, [...at, 'brokers']), topic: traced(deadLetterTopic, dead) },
            }),
            dead,
          ),
  })
}
