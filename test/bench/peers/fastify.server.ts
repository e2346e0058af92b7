/** Program: Fastify that parses a structured CloudEvent, looks at its attributes, answers 202 and forgets it. */

import { fastify } from 'fastify'

const app = fastify()
app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, JSON.parse(String(body))))
app.post<{ Body: Record<string, unknown> }>('/events', (request, reply) => {
  const { id, source, type, specversion } = request.body
  const valid = specversion === '1.0' && [id, source, type].every((value) => typeof value === 'string')
  reply.code(valid ? 202 : 400).send({ callId: id, duplicate: false })
})
await app.listen({ port: Number(process.argv[2]), host: '127.0.0.1' })
