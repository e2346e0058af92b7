/** The CloudEvent: type, validation, JSON format, binary form, batch. */

export * from './codec.ts'
export * from './event.ts'
