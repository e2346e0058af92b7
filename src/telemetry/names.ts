/** Every metric of the gateway, in one table: what is counted, and what the reference is generated from. */

export interface MetricSpec {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
}

export const METRICS = {
  functionInvocations: {
    name: 'wasm_function_invocations_total',
    type: 'counter',
    help: 'Calls that a function ended, with or without an error; those that other functions made of it, too.',
    labels: ['function'],
  },
  functionErrors: {
    name: 'wasm_function_errors_total',
    type: 'counter',
    help: 'Calls that a function ended with an error; error_type is the code, such as FUNCTION_TIMED_OUT.',
    labels: ['function', 'error_type'],
  },
  functionDuration: {
    name: 'wasm_function_duration_seconds',
    type: 'histogram',
    help: 'Seconds inside the function; of a call that ended with an error, those of the whole attempt.',
    labels: ['function'],
  },
  functionColdStarts: {
    name: 'wasm_function_cold_starts_total',
    type: 'counter',
    help: 'Calls that waited for an instance to be made for them.',
    labels: ['function'],
  },
  functionResting: {
    name: 'wasm_function_resting',
    type: 'gauge',
    help: 'Whether no call of the function begins for now (1): most of them break (trap, run into their timeout, out of memory), and other functions are called.',
    labels: ['function'],
  },
  functionDenied: {
    name: 'wasm_function_denied_total',
    type: 'counter',
    help: 'Times that a function asked for what it is not allowed; `grant` is the key of `allow` that it lacks, or `other`.',
    labels: ['function', 'grant'],
  },
  functionHttpRequests: {
    name: 'wasm_function_http_requests_total',
    type: 'counter',
    help: 'Requests that a function sent; `outcome` is the class of the status, such as 2xx, the error that the function was told, such as destination-IP-prohibited or connection-refused, or abandoned.',
    labels: ['function', 'outcome'],
  },
  functionHttpSeconds: {
    name: 'wasm_function_http_request_duration_seconds',
    type: 'histogram',
    help: 'Seconds until the whole response to a request of a function was there, or it was known that there is none.',
    labels: ['function'],
  },
  functionPublished: {
    name: 'wasm_function_messages_published_total',
    type: 'counter',
    help: 'Messages that a function published while it ran; `outcome` is done, or the error that the function was told: failed, unavailable or timeout.',
    labels: ['function', 'outcome'],
  },
  functionRequested: {
    name: 'wasm_function_messages_requested_total',
    type: 'counter',
    help: 'Messages that a function sent to wait for the reply; `outcome` is done, failed, unavailable or timeout, or abandoned.',
    labels: ['function', 'outcome'],
  },
  functionCalls: {
    name: 'wasm_function_calls_total',
    type: 'counter',
    help: 'Calls that a function made of the function `to`, with or without an error. They are counted as invocations of `to` as well.',
    labels: ['function', 'to'],
  },
  functionCallErrors: {
    name: 'wasm_function_call_errors_total',
    type: 'counter',
    help: 'Those of them that ended with an error.',
    labels: ['function', 'to'],
  },
  storeOperations: {
    name: 'headgate_store_operations_total',
    type: 'counter',
    help: 'What functions asked of a key-value store, with or without an error: get, has, keys, write (set, delete, many at once), increment or swap.',
    labels: ['store', 'operation'],
  },
  storeErrors: {
    name: 'headgate_store_errors_total',
    type: 'counter',
    help: 'Those of them that ended with an error, such as a limit or a server that does not answer; and open, when there is no store to be had.',
    labels: ['store', 'operation'],
  },
  functionMemory: {
    name: 'wasm_function_memory_usage_bytes',
    type: 'gauge',
    help: 'Linear memory of all instances of a function.',
    labels: ['function'],
  },
  functionMemoryLimit: {
    name: 'wasm_function_memory_limit_bytes',
    type: 'gauge',
    help: 'Cap of the linear memory of one instance.',
    labels: ['function'],
  },
  functionDesired: {
    name: 'wasm_function_desired_replicas',
    type: 'gauge',
    help: 'Instances that the calls under way and waiting would keep busy, up to the maximum of the pool.',
    labels: ['function'],
  },
  functionAvailable: {
    name: 'wasm_function_available_replicas',
    type: 'gauge',
    help: 'Instances that there are.',
    labels: ['function'],
  },
  accepted: {
    name: 'headgate_events_accepted_total',
    type: 'counter',
    help: 'Events that a route took and that were accepted, without duplicates.',
    labels: ['source'],
  },
  unmatched: {
    name: 'headgate_events_unmatched_total',
    type: 'counter',
    help: 'Events that no route took: acknowledged and forgotten.',
    labels: ['source'],
  },
  duplicates: {
    name: 'headgate_duplicates_total',
    type: 'counter',
    help: 'Events that were held already, under the same source and id or the same callId.',
    labels: ['source'],
  },
  omitted: {
    name: 'headgate_deliveries_omitted_total',
    type: 'counter',
    help: 'Deliveries that were not made, by reason: repeated (dedupe).',
    labels: ['route', 'reason'],
  },
  deliveries: {
    name: 'headgate_deliveries_total',
    type: 'counter',
    help: 'Attempts, by what became of them: done, retry or dead.',
    labels: ['route', 'outcome'],
  },
  fallbacks: {
    name: 'headgate_fallbacks_total',
    type: 'counter',
    help: 'Deliveries that the fallback of a route made in place of their target.',
    labels: ['route', 'fallback'],
  },
  deliverySeconds: {
    name: 'headgate_delivery_seconds',
    type: 'histogram',
    help: 'Seconds that one attempt took.',
    labels: ['route'],
  },
  retries: {
    name: 'headgate_retries_total',
    type: 'counter',
    help: 'Attempts that will be repeated.',
    labels: ['route'],
  },
  deadLetters: {
    name: 'headgate_dead_letters',
    type: 'gauge',
    help: 'Deliveries given up on that wait to be redriven or dropped.',
    labels: [],
  },
  journalEvents: {
    name: 'headgate_journal_events',
    type: 'gauge',
    help: 'Events held, settled ones included.',
    labels: [],
  },
  journalPending: {
    name: 'headgate_journal_pending',
    type: 'gauge',
    help: 'Deliveries that are not settled.',
    labels: ['route', 'to'],
  },
  journalBytes: { name: 'headgate_journal_bytes', type: 'gauge', help: 'Size of the journal on disk.', labels: [] },
  journalOldest: {
    name: 'headgate_journal_oldest_pending_seconds',
    type: 'gauge',
    help: 'Age of the oldest event that is not settled; 0 when there is none.',
    labels: [],
  },
  generation: {
    name: 'headgate_config_generation',
    type: 'gauge',
    help: 'The generation of the configuration that runs: 1 from the start, one more with each reload.',
    labels: [],
  },
  reloads: {
    name: 'headgate_config_reloads_total',
    type: 'counter',
    help: 'Reloads of the configuration, by outcome: done, or refused with nothing changed.',
    labels: ['outcome'],
  },
  breakerState: {
    name: 'headgate_breaker_state',
    type: 'gauge',
    help: 'Whether the breaker of a target lets deliveries through: 0 closed, 1 half open, 2 open.',
    labels: ['route', 'to'],
  },
  canaryCalls: {
    name: 'headgate_canary_calls_total',
    type: 'counter',
    help: 'Calls of a version that a canary counts. A restart counts on; new weights count anew.',
    labels: ['route', 'to'],
  },
  canaryFailures: {
    name: 'headgate_canary_failures_total',
    type: 'counter',
    help: 'Calls of a version that a canary counts and that did not succeed. A restart counts on; new weights count anew.',
    labels: ['route', 'to'],
  },
  canaryP99: {
    name: 'headgate_canary_p99_seconds',
    type: 'gauge',
    help: 'What 99 of 100 calls of a version that a canary counts took inside the function, to within a tenth.',
    labels: ['route', 'to'],
  },
  canaryState: {
    name: 'headgate_canary_state',
    type: 'gauge',
    help: 'What was decided of the newest version of a route: 0 nothing yet, 1 promoted, -1 rolled back.',
    labels: ['route', 'to'],
  },
  canaryWeight: {
    name: 'headgate_canary_weight',
    type: 'gauge',
    help: 'The weight of a version that holds, be it configured or decided.',
    labels: ['route', 'to'],
  },
  sourceLag: {
    name: 'headgate_source_lag_messages',
    type: 'gauge',
    help: 'Messages that the upstream of a source holds and that are not acknowledged.',
    labels: ['source'],
  },
  sourceLagBytes: {
    name: 'headgate_source_lag_bytes',
    type: 'gauge',
    help: 'Bytes that the upstream of a source keeps for it.',
    labels: ['source'],
  },
  sourceOldest: {
    name: 'headgate_source_oldest_message_seconds',
    type: 'gauge',
    help: 'Age of the oldest message that is not acknowledged; 0 when there is none.',
    labels: ['source'],
  },
  sourceInFlight: {
    name: 'headgate_source_in_flight',
    type: 'gauge',
    help: 'Messages received from upstream and not acknowledged.',
    labels: ['source'],
  },
  sourceErrors: {
    name: 'headgate_source_errors_total',
    type: 'counter',
    help: 'Times that the upstream of a source could not be reached or answered with an error.',
    labels: ['source'],
  },
  sourceLastError: {
    name: 'headgate_source_last_error_timestamp_seconds',
    type: 'gauge',
    help: 'When that was last, in seconds since the epoch.',
    labels: ['source'],
  },
  sourceReconnects: {
    name: 'headgate_source_reconnects_total',
    type: 'counter',
    help: 'Times that a source connected to its upstream once more.',
    labels: ['source'],
  },
  held: {
    name: 'headgate_sink_held',
    type: 'gauge',
    help: 'Whether what a route sends to a sink waits, as the sink said that it is gone: 0 no, 1 yes.',
    labels: ['route', 'to'],
  },
  mqttClients: { name: 'headgate_mqtt_clients', type: 'gauge', help: 'MQTT clients that are connected.', labels: [] },
} as const satisfies Record<string, MetricSpec>
