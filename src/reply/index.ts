/** callId topics, and HTTP callers that wait. */

export * from './forms.ts'
export * from './replies.ts'
export * from './reply.ts'
