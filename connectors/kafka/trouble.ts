/** What an error of kafkajs means, in words an operator can act on. Pure. */

/** What kafkajs puts on its errors. */
interface Details {
  readonly name?: string
  readonly message?: string
  /** Kafka's own name of the error, such as TOPIC_AUTHORIZATION_FAILED. */
  readonly type?: string
  readonly broker?: string
  readonly cause?: unknown
  readonly originalError?: unknown
  readonly errors?: readonly unknown[]
}

export interface Trouble {
  /** Kafka's own name of the error, or the class of kafkajs. */
  readonly kind: string
  /** What is wrong and what to do, without a secret. */
  readonly what: string
  /** Whether trying again cannot help. */
  readonly isFinal: boolean
  /** Whether one record may be the reason, and others that were sent with it are none. */
  readonly isOfRecord: boolean
}

/** Kafka's errors that no other attempt changes, with what to do. */
const FINAL: Readonly<Record<string, string>> = {
  MESSAGE_TOO_LARGE: 'the record is larger than the topic takes (max.message.bytes)',
  RECORD_LIST_TOO_LARGE: 'the record is larger than a segment of the topic (segment.bytes)',
  INVALID_RECORD: 'the topic refuses the record (a compacted topic wants a key)',
  INVALID_TOPIC_EXCEPTION: 'there can be no topic of this name',
  UNKNOWN_TOPIC_OR_PARTITION: 'there is no such topic; create it, or allow this client to describe it',
  TOPIC_AUTHORIZATION_FAILED: 'this client may not use the topic; allow it by an ACL',
  GROUP_AUTHORIZATION_FAILED: 'this client may not use the group; allow it by an ACL',
  CLUSTER_AUTHORIZATION_FAILED: 'this client may not write idempotently; allow it by an ACL',
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 'the topic keeps records in a form without headers',
  INCONSISTENT_GROUP_PROTOCOL: 'the group is used by another kind of consumer; name another group',
  INVALID_SESSION_TIMEOUT: 'the brokers do not take this session_timeout (group.min.session.timeout.ms)',
}

const OF_RECORD: ReadonlySet<string> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD'])

/** Says what an error is. Kafkajs wraps errors in others, some of them several times. */
export function troubleOf(thrown: unknown): Trouble {
  const chain = unwrap(thrown)
  const typed = chain.find(({ type }) => type !== undefined && type in FINAL)
  if (typed?.type !== undefined) return final(typed.type, FINAL[typed.type] ?? typed.type)
  const login = chain.find(({ name }) => name === 'KafkaJSSASLAuthenticationError')
  if (login) return final('SASL_AUTHENTICATION_FAILED', 'the brokers do not take these credentials; look at sasl')
  const codec = chain.find(({ name }) => name === 'KafkaJSNotImplemented')
  if (codec) return final('KafkaJSNotImplemented', `it is written in a form that is not read here: ${codec.message}`)
  const { broker, message = 'no reason', name, type } = chain.at(-1) ?? {}
  const where = broker === undefined || message.includes(broker) ? '' : ` at ${broker}`
  return { kind: type ?? name ?? 'Error', what: `${lowerFirst(message)}${where}`, isFinal: false, isOfRecord: false }
}

const final = (kind: string, what: string): Trouble => ({ kind, what, isFinal: true, isOfRecord: OF_RECORD.has(kind) })

function unwrap(thrown: unknown): readonly Details[] {
  const chain: Details[] = []
  let at: unknown = thrown
  while (typeof at === 'object' && at !== null && chain.length < 10) {
    const details: Details = at
    chain.push(details)
    const inner = details.originalError ?? details.cause ?? details.errors?.[0]
    if (inner === undefined || inner === at) break
    at = inner
  }
  return chain.length > 0 ? chain : [{ message: String(thrown) }]
}

const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1).replace(/\s+/g, ' ')
