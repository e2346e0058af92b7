/** callId topics, and HTTP callers that wait. */

export * from './forms.ts'
export * from './replies.ts'
export type * from './reply.ts'
