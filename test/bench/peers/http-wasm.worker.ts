/** Worker: one instance of the transpiled component, called for each body of a block. */

import { parentPort, workerData } from 'node:worker_threads'
import { pack, unpack } from './block.ts'

type Body = { readonly tag: 'text'; readonly val: string } | { readonly tag: 'binary'; readonly val: Uint8Array }

interface Component {
  handle(event: object, context: object): { readonly reply?: { readonly data: Body } }
}

interface Transpiled {
  instantiate(core: (path: string) => WebAssembly.Module, imports: object): Component
}

const files: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = workerData
const script = files['echo.js'] ?? new Uint8Array()
const url = `data:text/javascript;base64,${Buffer.from(script).toString('base64')}`
const { instantiate }: Transpiled = await import(url)
const imports = { 'headgate:function/log': { log: () => {} } }
const modules = new Map<string, WebAssembly.Module>()
for (const [path, bytes] of Object.entries(files)) {
  if (path.endsWith('.wasm')) modules.set(path, await WebAssembly.compile(bytes))
}
const core = (path: string): WebAssembly.Module => {
  const module = modules.get(path)
  if (module === undefined) throw new Error(`the component asks for ${path}, which jco did not write`)
  return module
}
const { handle } = instantiate(core, imports)

const text = new TextDecoder()
const utf8 = new TextEncoder()
const event = { id: '1', source: '/bench', type: 'call', datacontenttype: 'application/json', extensions: [] }
const context = { callId: '1', function: 'echo', version: '1', attempt: 1, deadlineMs: 30_000n }

function call(body: Uint8Array): Uint8Array {
  const data = handle({ ...event, data: { tag: 'text', val: text.decode(body) } }, context).reply?.data
  return data === undefined ? new Uint8Array() : data.tag === 'text' ? utf8.encode(data.val) : data.val
}

parentPort?.on('message', (block: Uint8Array<ArrayBuffer>) => {
  const answer = pack(unpack(block).map(call))
  parentPort?.postMessage(answer, [answer.buffer])
})
