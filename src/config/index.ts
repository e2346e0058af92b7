/** The configuration: YAML with places, one schema, every mistake told at once. */

export { isLarge, loadAside } from './aside.ts'
export { callNames, callRoutes } from './calls.ts'
export type { Config, Instance, ServiceFunction } from './config.ts'
export { type ConfigTest, testEvent } from './config-test.ts'
export { EVENT_SOURCES } from './event-sources/index.ts'
export { expand, retrySchedule } from './expand.ts'
export { expandForm, type LoadOptions, loadConfig, parseConfig } from './load.ts'
export { MANIFEST } from './manifests/index.ts'
export { ConfigError, formatProblem, type Problem } from './problem.ts'
export { configSchema, sourceNames } from './sections.ts'
export type { Seen } from './seen.ts'
