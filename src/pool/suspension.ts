/** Which imports of a component wait for the gateway, and how what jco makes of them is changed so that others run meanwhile. */

import type { Grants } from './grants.ts'
import { ComponentError } from './invalid.ts'

/** What can be granted that is answered later. */
const KINDS = ['http', 'kv', 'messaging', 'call'] as const
export type WaitingKind = (typeof KINDS)[number]

const granted: Readonly<Record<WaitingKind, (grants: Grants) => boolean>> = {
  http: ({ http }) => http.to.length > 0,
  kv: ({ kv }) => kv.length > 0,
  messaging: ({ messaging }) => messaging.publish.length + messaging.request.length > 0,
  call: ({ call }) => call.length > 0,
}

/** What a function may wait for, if its file asks for that. */
export const waitingKinds = (grants: Grants | undefined): readonly WaitingKind[] =>
  grants ? KINDS.filter((kind) => granted[kind](grants)) : []

/** The functions of an interface that wait, and the grant without which they do not; sleeping needs none. */
const WAITING: Readonly<Record<string, { readonly kind?: WaitingKind; readonly functions: readonly string[] }>> = {
  'wasi:io/poll': { functions: ['[method]pollable.block', 'poll'] },
  'wasi:keyvalue/store': {
    kind: 'kv',
    functions: ['get', 'set', 'delete', 'exists', 'list-keys'].map((name) => `[method]bucket.${name}`),
  },
  'wasi:keyvalue/atomics': { kind: 'kv', functions: ['increment', 'swap', '[static]cas.new'] },
  'wasi:keyvalue/batch': { kind: 'kv', functions: ['get-many', 'set-many', 'delete-many'] },
  'wasi:http/outgoing-handler': { kind: 'http', functions: [] },
  'headgate:function/messaging': { kind: 'messaging', functions: ['publish', 'request'] },
  'wasmcloud:messaging/consumer': { kind: 'messaging', functions: ['publish', 'request'] },
  'headgate:function/call': { kind: 'call', functions: ['call'] },
}

/** The functions among these imports (with their versions) that wait; none when nothing that is granted makes it wait. */
export function waitingImports(imports: readonly string[], kinds: readonly WaitingKind[]): readonly string[] {
  const found = imports.flatMap((name) => {
    const waiting = WAITING[name.replace(/@.*$/, '')]
    return waiting ? [{ name, ...waiting }] : []
  })
  if (!found.some(({ kind }) => kind !== undefined && kinds.includes(kind))) return []
  return found.flatMap(({ name, functions }) => functions.map((each) => `${name}#${each}`))
}

/** Where jco wraps an import that waits: by itself it refuses one that is called outside of an export of its own. */
const WRAPPED = /(_trampoline\d+)\.manuallyAsync \? new WebAssembly\.Suspending\(/g
/** Where it looks for deadlocks in the event loop, with a timer for each import that waits. */
const TRACKED = 'function _trackHostOperation(operation) {'
/** Where it makes a task for an import that is called outside of an export, resolves it, and never ends it. */
const LEAKED = /createdTask\.resolve\(\[(\w+)\]\);/g
/** Where it answers an error of an import with a promise that is never settled: the guest would wait for good. */
const STUCK = /task\.exit\(\);\s*return task\.completionPromise\(\);/g
/** Where an import that waits looks for what its wrapper would have made. */
const SUBTASK = /(const _trampoline\d+ = async function[\s\S]*?)if \(hostProvided\) \{/g

const COMMENTS = /^\s*\/\/.*\n/gm

/** Changes what jco generated, not minified. Throws a ComponentError when it is of another shape. */
export function suspending(source: string): string {
  let changes = 0
  const changed = (text: string) => {
    changes++
    return text
  }
  const text = source
    .replace(COMMENTS, '')
    .replace(WRAPPED, (_all, name: string) =>
      changed(`${name}.manuallyAsync ? new WebAssembly.Suspending(${name}) : false ? new WebAssembly.Suspending(`),
    )
    .replace(STUCK, 'task.exit(); throw err;')
    .replace(LEAKED, (all) => `${all} createdTask.exit();`)
    .replace(SUBTASK, (_all, before: string) => `${before}if (false) {`)
    .replace(TRACKED, () => changed(`${TRACKED} return operation();`))
  if (changes < 2) throw new ComponentError('was transpiled to code of an unknown shape')
  return text
}
