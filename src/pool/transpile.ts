/** Transpiles a component with jco, once it is seen to speak an interface of ours. Runs in the loading thread alone: jco takes 40 MB. */

import { componentWit, transpile } from '@bytecodealliance/jco'
import type { Transpiled } from './component.ts'
import { componentInterface, type Interface, importsOf } from './interface.ts'
import { BUILD, ComponentError, firstLine } from './invalid.ts'
import { lean } from './lean.ts'
import { suspending, type WaitingKind, waitingImports } from './suspension.ts'
import { offered } from './wasi/index.ts'

/** What is called of a component that waits; our own world is called by the canonical ABI. */
const EXPORTS: Readonly<Record<Interface, RegExp | undefined>> = {
  handler: undefined,
  http: /^\s*export (wasi:http\/incoming-handler@[^;]+);/m,
  command: /^\s*export (wasi:cli\/run@[^;]+);/m,
  wasip1: undefined,
}

/**
 * Rejects with a ComponentError that says what the component is instead. `kinds` is what it may wait for: when it asks for
 * that, too, it is made to.
 */
export async function transpileComponent(bytes: Uint8Array, kinds: readonly WaitingKind[] = []): Promise<Transpiled> {
  const wit = await witOf(bytes)
  const speaks = componentInterface(wit)
  const waiting = waitingImports(importsOf(wit), kinds)
  const suspends = waiting.length > 0
  const exported = EXPORTS[speaks]?.exec(wit)?.[1]
  const called = exported === undefined ? [] : [`${exported}#${speaks === 'http' ? 'handle' : 'run'}`]
  const options = {
    name: 'component',
    instantiation: 'sync' as const,
    base64Cutoff: 0,
    // The names in what waits are needed to change it.
    minify: !suspends,
    ...(suspends && { asyncMode: 'jspi' as const, asyncImports: [...waiting], asyncExports: called }),
  } satisfies Parameters<typeof transpile>[1]
  const { files, imports } = await transpile(bytes, { ...options }).catch((cause: unknown) => {
    throw new ComponentError(`is a component that jco cannot transpile: ${firstLine(cause)}; ${BUILD}`, { cause })
  })
  const unknown = imports.filter((name) => !offered(name)).map((name) => `"${name}"`)
  if (unknown.length > 0) throw new ComponentError(`imports ${unknown.join(', ')}, which this version does not offer`)
  const cores = Object.entries(files).filter(([name]) => name.endsWith('.wasm'))
  const draft = /import wasi:keyvalue\/store@0\.2\.0-draft;/.test(wit) ? 'draft' : 'draft2'
  return { speaks, suspends, draft, source: sourceOf(files['component.js'], imports.length > 0, suspends), cores }
}

/** The world of a component. Rejects with a ComponentError when it is none. */
export async function witOf(bytes: Uint8Array): Promise<string> {
  return componentWit(bytes).catch((cause: unknown) => {
    throw new ComponentError(`is a broken component: ${firstLine(cause)}; ${BUILD}`, { cause })
  })
}

/**
 * Where jco 1.35 makes a task for an import that is called outside of one of its own exports: it resolves that task
 * and never ends it, so each such call would leave a task behind and search through all of them.
 */
const LEAKED_TASK = /return ([\w$]+)&&\1\.resolve\(\[([\w$]+)\]\),\2\}/

/** Where it copies what a guest passes: under a budget instead. */
const COPY = /([\w$.]+)\.buffer\.slice\(/g

/** Where it begins to make a list of what a guest passes, item by item. */
const LIST = /((?:var|let) [\w$]+ ?= ?\[\];\s*)(?=for ?\(let ([\w$]+) ?= ?0; ?\2 ?< ?([\w$]+); ?\2\+\+\))/g

/** Turns the module that jco generated into the body of a function, so that a worker can evaluate it without awaiting. */
function sourceOf(file: Uint8Array | undefined, imports: boolean, suspends: boolean): Uint8Array {
  const text = Buffer.from(file ?? []).toString()
  const source = suspends ? suspending(text) : text
  const plain = source.replace(/export (?=function instantiate\()/, '').replace(/export (?=const _util\b)/, '')
  const body = `${plain.replace(LEAKED_TASK, 'return $1&&($1.resolve([$2]),$1.exit()),$2}').replaceAll(COPY, 'liftSlice($1.buffer,').replaceAll(LIST, '$1liftList($3);')}\nreturn instantiate`
  const known = /function instantiate\(/.test(body) && !/(?:^|[;}])\s*(?:import|export)\b(?!\()/m.test(body)
  if (!known || (imports && !suspends && !LEAKED_TASK.test(plain)))
    throw new ComponentError('was transpiled to code of an unknown shape')
  return Buffer.from(lean(body))
}
