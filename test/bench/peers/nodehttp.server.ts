/** Program: node:http that parses a structured CloudEvent, looks at its attributes, answers 202 and forgets it. */

import { createServer } from 'node:http'

createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const { id, source, type, specversion }: Record<string, unknown> = JSON.parse(Buffer.concat(chunks).toString())
    const valid = specversion === '1.0' && [id, source, type].every((value) => typeof value === 'string')
    const body = JSON.stringify({ callId: id, duplicate: false })
    response.writeHead(valid ? 202 : 400, { 'content-type': 'application/json', 'content-length': body.length })
    response.end(body)
  })
}).listen(Number(process.argv[2]), '127.0.0.1')
