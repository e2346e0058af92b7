/** Program: HTTP calls go to whichever plugin of the pool is free; the others wait in line. */

import { createServer } from 'node:http'
import { load } from './npm.ts'

interface Plugin {
  call(name: string, input: Uint8Array): Promise<{ bytes(): Uint8Array } | null>
}

interface Extism {
  createPlugin(
    manifest: { wasm: readonly { path: string }[] },
    options: { useWasi: boolean; runInWorker: boolean },
  ): Promise<Plugin>
}

const [folder = '', wasm = '', port] = process.argv.slice(2)
const { createPlugin } = await load<Extism>(folder, '@extism/extism')
const make = (): Promise<Plugin> => createPlugin({ wasm: [{ path: wasm }] }, { useWasi: false, runInWorker: true })
const free = await Promise.all(Array.from({ length: 4 }, make))
const waiting: ((plugin: Plugin) => void)[] = []

async function echo(input: Uint8Array): Promise<Uint8Array> {
  const plugin = free.pop() ?? (await new Promise<Plugin>((take) => waiting.push(take)))
  try {
    return (await plugin.call('echo', input))?.bytes().slice() ?? new Uint8Array()
  } finally {
    const next = waiting.shift()
    if (next) next(plugin)
    else free.push(plugin)
  }
}

createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    echo(Buffer.concat(chunks)).then(
      (body) =>
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
}).listen(Number(port), '127.0.0.1')
