/** The CloudEvent: type, validation, JSON format, binary form, batch. */

export * from './attributes.ts'
export * from './batch.ts'
export * from './codec.ts'
export * from './event.ts'
export * from './http.ts'
export * from './id.ts'
export { checkJson, formatJsonEvent, parseJsonEvent } from './json.ts'
export * from './refused.ts'
export { MAX_JSON_DEPTH } from './scan.ts'
export * from './template.ts'
export { isAttributeName, isJsonType, mediaType } from './text.ts'
export { checkEvent, validateEvent } from './validate.ts'
