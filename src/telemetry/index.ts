/** Log, metrics, traces: what the gateway says of itself. */

export * from './log.ts'
export * from './metrics.ts'
export * from './names.ts'
export * from './observe.ts'
