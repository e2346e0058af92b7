/** `type: kafka`: topics of one cluster, each to a function. */

import * as z from 'zod'
import { traced } from './expansion.ts'
import { when } from './filter.ts'
import { kind } from './kind.ts'
import { targetFunction, texts } from './scalars.ts'

/** The type of a record that is no CloudEvent, where routers of that form expect it. */
export const EVENT_TYPE = 'has(data.event_type) ? data.event_type : type'

export const kafka = kind({
  summary: 'Records of topics: a source, and a route for each topic.',
  list: 'topics',
  items: 'Topics.',
  config: z.strictObject({
    brokers: texts().describe('Brokers to begin with, as host:port.'),
    consumer_group: z.string().min(1).describe('The consumer group, which keeps the offsets.'),
  }),
  item: z.strictObject({
    topic: z.string().min(1).describe('The topic.'),
    target_function: targetFunction,
    filter: z
      .string()
      .optional()
      .describe(
        "A condition, such as `event_type == 'user.created' || event_type == 'user.updated'`: CEL, in which event_type is the type of the event: that of a CloudEvent, else `event_type` of the data.",
      ),
    dead_letter_topic: z
      .string()
      .min(1)
      .optional()
      .describe('A topic on the same brokers that gets a copy of what was given up.'),
    retry_attempts: z
      .int()
      .min(0)
      .max(1_000)
      .optional()
      .describe('How often a failed delivery is tried again after its first attempt.'),
  }),
  expand({ name, config: { brokers, consumer_group }, items, at }, { out }) {
    const config = [...at, 'config']
    const brokersAt = traced(brokers, [...config, 'brokers'])
    const topics = [...new Set(items.map(({ value }) => value.topic))]
    const source = out.add('sources', name, [...at, 'type'], {
      kafka: {
        brokers: brokersAt,
        group: traced(consumer_group, [...config, 'consumer_group']),
        topics: traced(topics, [...config, 'topics']),
      },
      // Records that are no CloudEvents have their type where those who wrote such filters put it.
      as: items.some(({ value }) => value.filter !== undefined) ? { type: EVENT_TYPE } : undefined,
    })
    for (const { value, at: here } of items) {
      const { topic, target_function, filter, dead_letter_topic, retry_attempts } = value
      const dead = [...here, 'dead_letter_topic']
      const ours = topics.length > 1 ? `topic == ${JSON.stringify(topic)}` : undefined
      out.add('routes', topic, here, {
        from: traced(source, [...here, 'topic']),
        when: when(ours, filter, [...here, 'filter']),
        to: traced(target_function, [...here, 'target_function']),
        retry: retry_attempts === undefined ? undefined : traced(retry_attempts, [...here, 'retry_attempts']),
        dead_letter:
          dead_letter_topic === undefined
            ? undefined
            : traced(
                out.sink(dead_letter_topic, dead, {
                  kafka: { brokers: brokersAt, topic: traced(dead_letter_topic, dead) },
                }),
                dead,
              ),
      })
    }
  },
})
