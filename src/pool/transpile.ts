/** Transpiles a component with jco, once it is seen to be of our world. Runs in the loading thread alone: jco takes 40 MB. */

import { componentWit, transpile } from '@bytecodealliance/jco'
import { BUILD, ComponentError, firstLine, type Transpiled } from './component.ts'
import { offered } from './wasi/index.ts'

/** The versions of the interface that this gateway speaks: the same types. */
const TYPES = /import headgate:function\/types@0\.1\.\d+;/
const HANDLE = /export handle: func\(event: event, context: context\) -> result<response, failure>;/

/** Rejects with a ComponentError that says what the component is instead. */
export async function transpileComponent(bytes: Uint8Array): Promise<Transpiled> {
  await checkWorld(bytes)
  const options = { name: 'component', instantiation: 'sync', base64Cutoff: 0, minify: true } as const
  const { files, imports } = await transpile(bytes, { ...options }).catch((cause: unknown) => {
    throw new ComponentError(`is a component that jco cannot transpile: ${firstLine(cause)}; ${BUILD}`, { cause })
  })
  const unknown = imports.filter((name) => !offered(name)).map((name) => `"${name}"`)
  if (unknown.length > 0) throw new ComponentError(`imports ${unknown.join(', ')}, which this version does not offer`)
  const cores = Object.entries(files).filter(([name]) => name.endsWith('.wasm'))
  return { source: sourceOf(files['component.js'], imports.length > 0), cores }
}

async function checkWorld(bytes: Uint8Array): Promise<void> {
  const wit = await componentWit(bytes).catch((cause: unknown) => {
    throw new ComponentError(`is a broken component: ${firstLine(cause)}; ${BUILD}`, { cause })
  })
  if (TYPES.test(wit) && HANDLE.test(wit)) return
  const other = /headgate:function\/types@(\S+);/.exec(wit)?.[1]
  if (other !== undefined)
    throw new ComponentError(`was built for headgate:function@${other}, and this gateway speaks 0.1; ${BUILD}`)
  const exports = [...wit.matchAll(/^\s*export ([^\s:;]+(?::[^\s;]+)?)/gm)]
  const names = exports.map(([, name]) => `"${name?.replace(/:$/, '')}"`).join(', ') || 'nothing'
  throw new ComponentError(`is a component of another world: it exports ${names}, not "handle"; ${BUILD}`)
}

/**
 * Where jco 1.35 makes a task for an import that is called outside of one of its own exports: it resolves that task
 * and never ends it, so each such call would leave a task behind and search through all of them.
 */
const LEAKED_TASK = /return ([\w$]+)&&\1\.resolve\(\[([\w$]+)\]\),\2\}/

/** Turns the module that jco generated into the body of a function, so that a worker can evaluate it without awaiting. */
function sourceOf(file: Uint8Array | undefined, imports: boolean): Uint8Array {
  const source = Buffer.from(file ?? []).toString()
  const plain = source.replace(/export (?=function instantiate\()/, '').replace(/export (?=const _util\b)/, '')
  const body = `${plain.replace(LEAKED_TASK, 'return $1&&($1.resolve([$2]),$1.exit()),$2}')}\nreturn instantiate`
  const known = /function instantiate\(/.test(body) && !/(?:^|[;}])\s*(?:import|export)\b(?!\()/m.test(body)
  if (!known || (imports && !LEAKED_TASK.test(plain)))
    throw new ComponentError('was transpiled to code of an unknown shape')
  return Buffer.from(body)
}
