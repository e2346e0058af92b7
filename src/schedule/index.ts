/** Schedules in cron's notation: the instants that one names, and how one is written in YAML. */

export * from './options.ts'
export * from './slots.ts'
