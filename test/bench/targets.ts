/** The targets, as data: what must hold between a subject and its peer, or of a subject alone. */

import type { Figures } from './result.ts'

/** Names one result: subject and label, as the bench gives them. */
export interface Which {
  readonly subject: string
  readonly label: string
}

export type Target = { readonly bench: string; readonly of: Which } & (
  | { readonly atLeast: number; readonly times: Which; readonly metric: 'throughput' }
  | { readonly atMost: number; readonly times: Which; readonly metric: 'rss' | 'p50' | 'p99' }
  | { readonly below: number; readonly metric: keyof Figures; readonly unit: string }
)

const ratios = (
  bench: string,
  subject: string,
  labels: readonly string[],
  peers: Readonly<Record<string, number>>,
): Target[] =>
  labels.flatMap((label) =>
    Object.entries(peers).map(([peer, atLeast]) => ({
      bench,
      of: { subject, label },
      times: { subject: peer, label },
      metric: 'throughput' as const,
      atLeast,
    })),
  )

const below = (bench: string, subject: string, label: string, metric: keyof Figures, ms: number): Target => ({
  bench,
  of: { subject, label },
  metric,
  below: ms,
  unit: 'ms',
})

const MQTTS = ['headgate, MQTT 3.1.1', 'headgate, MQTT 5']

/** What a reply may cost against services that promise less. */
const PATH_PEERS = { 'mosquitto + mqtt.js responder': 2, 'Node-RED on mosquitto': 4, 'NATS micro service': 1.3 }

const MIB = 1024 * 1024

export const TARGETS: readonly Target[] = [
  ...ratios('accept', 'headgate, POST structured', ['64 connections'], { 'Node-RED http-in': 4 }),
  ...ratios('accept', 'headgate, PUBLISH QoS 1', ['64 clients'], { 'mosquitto, persistence on': 0.7 }),
  below('accept', 'headgate, POST structured', '64 connections, half load', 'p99', 10),
  below('accept', 'headgate, PUBLISH QoS 1', '64 clients, half load', 'p99', 10),
  ...MQTTS.flatMap((subject) => [
    ...ratios('path', subject, ['50 clients', '200 clients'], PATH_PEERS),
    below('path', subject, '1 client', 'p50', 0.8),
    below('path', subject, '50 clients, half load', 'p99', 10),
  ]),
  ...ratios('path', 'headgate, MQTT 3.1.1', ['50 clients', '200 clients'], { 'headgate, journal in memory': 0.85 }),
  ...ratios('path-direct', 'headgate, POST /call', ['64 connections'], {
    'node:http + Wasm in one worker': 0.75,
    'functions-framework': 4,
    'Extism, pool of 4': 12,
  }),
  below('path-direct', 'headgate, POST /call', '1 connection', 'p50', 0.3),
  { bench: 'idle', of: { subject: 'headgate', label: '0 clients' }, metric: 'rss', below: 120 * MIB, unit: 'bytes' },
  { bench: 'idle', of: { subject: 'headgate', label: '0 clients' }, metric: 'cpu', below: 0.01, unit: 'cores' },
  ...[1000, 5000].map((clients): Target => {
    const label = `per client of ${clients}`
    const times = { subject: 'aedes, in-process responder', label }
    return { bench: 'idle', of: { subject: 'headgate', label }, times, metric: 'rss', atMost: 1.2 }
  }),
  ...ratios('connectors', 'headgate', ['kafka'], { 'kafkajs, eachBatch': 0.6 }),
  ...ratios('connectors', 'headgate', ['sqs'], { '@aws-sdk/client-sqs, 6 receivers': 0.6 }),
  ...ratios('connectors', 'headgate', ['postgres'], { 'pg-logical-replication': 0.6 }),
  ...['kafka', 'sqs', 'postgres'].map((name): Target => {
    const [of, times] = [`${name}, paused for long`, `${name}, paused`].map((label) => ({ subject: 'headgate', label }))
    return { bench: 'connectors', of: of as Which, times: times as Which, metric: 'rss', atMost: 1.05 }
  }),
  ...['endless loop', 'memory bomb', 'output flood', 'lift bomb', 'stack overflow', 'trap'].map((label): Target => {
    const [of, times] = [
      { subject: 'neighbour', label },
      { subject: 'neighbour of nobody', label },
    ] as const
    return { bench: 'sharing', of, times, metric: 'p99', atMost: 2 }
  }),
  below('sharing', 'headgate', '50 functions, restart', 'elapsed', 2000),
  {
    bench: 'sharing',
    of: { subject: 'headgate', label: '200 functions, called by turns' },
    times: { subject: 'headgate', label: '5 functions, called by turns' },
    metric: 'p50',
    atMost: 1.5,
  },
  below('recover', 'headgate', 'ready', 'elapsed', 3000),
  below('recover', 'headgate', 'first delivery after ready', 'elapsed', 1000),
]
