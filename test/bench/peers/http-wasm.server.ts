/** Program: collects the requests of a tick, hands them to the worker as one block of bytes, answers as one comes back. */

import { readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { Worker } from 'node:worker_threads'
import { transpileBytes } from '@bytecodealliance/jco-transpile'
import { pack, unpack } from './block.ts'

const [wasm = '', port] = process.argv.slice(2)
const { files } = await transpileBytes(readFileSync(wasm), {
  name: 'echo',
  instantiation: 'sync',
  emitTypescriptDeclarations: false,
  base64Cutoff: 0,
  minify: true,
})
const worker = new Worker(new URL('./http-wasm.worker.ts', import.meta.url), { workerData: files })
const batches: ServerResponse[][] = []
let bodies: Buffer[] = []
let waiting: ServerResponse[] = []

/** At most two batches are with the worker: what comes meanwhile makes the next one larger. */
function flush(): void {
  if (bodies.length === 0 || batches.length >= 2) return
  const block = pack(bodies)
  batches.push(waiting)
  worker.postMessage(block, [block.buffer])
  bodies = []
  waiting = []
}

worker.on('message', (block: Uint8Array<ArrayBuffer>) => {
  const responses = batches.shift() ?? []
  unpack(block).forEach((body, i) => {
    responses[i]?.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
  })
  flush()
})
worker.on('error', (error) => {
  throw error
})

createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    waiting.push(response)
    if (bodies.push(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)) === 1) setImmediate(flush)
  })
}).listen(Number(port), '127.0.0.1')
