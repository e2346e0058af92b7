/** `headgate function inspect`: says what a file is, what it imports, and what of that it would not be given. */

import type { Command } from 'commander'
import type { Inspection, Interface } from '../pool/index.ts'
import { inputError } from './exit.ts'
import { functionFile } from './input.ts'
import { example, jsonOption } from './options.ts'
import { columns, type Paint, paintOut, print, printJson, shown } from './terminal.ts'

export function registerFunctionInspect(parent: Command): void {
  const command = parent
    .command('inspect')
    .argument('<file>', 'a .wasm file, or an OCI image layout, as <folder>, <folder>:<tag> or <folder>@sha256:<digest>')
    .description('say what a .wasm file is, what it imports, and what of that it would not be given')
    .addOption(jsonOption())
    .action(inspect)
  example(command, 'headgate function inspect functions/echo/echo.wasm')
}

async function inspect(file: string, { json }: { readonly json?: true }): Promise<void> {
  const { inspectFunction } = await import('../pool/index.ts')
  const found = await inspectFunction(await functionFile(file))
  if (json) printJson({ file, ...found, needs: needsOf(found) })
  else print(...inspectionLines(file, found, paintOut))
  if (found.problem !== undefined) throw inputError(`inspecting "${file}": it ${found.problem}`)
}

/** What each interface is called where a person reads it. */
export const SPEAKS: Readonly<Record<Interface, string>> = {
  handler: 'a component of headgate:function, called with records',
  http: 'a component of wasi:http/incoming-handler, called with an HTTP request',
  command: 'a component of wasi:cli/command, a program that reads JSON',
  wasip1: 'a module of wasip1, a program that reads JSON',
}

/** What an import is for, by the start of its name, and what under the function allows it, where anything does. */
const PURPOSES: readonly (readonly [start: RegExp, purpose: string, allow?: string])[] = [
  [/^wasi:http\/outgoing-handler/, 'outgoing HTTP', 'allow: { http: [<host>] }'],
  [
    /^(wasi:filesystem\/|wasi_snapshot_preview1\.path_|wasi_snapshot_preview1\.fd_)/,
    'files',
    'allow: { dirs: [{ guest: <path>, host: <folder> }] }',
  ],
  [/^(wasi:sockets\/|wasi_snapshot_preview1\.sock_)/, 'the network'],
  [/^wasi:keyvalue\//, 'key-value stores', 'allow: { kv: [<store>] }'],
  [/^wasi:config\//, 'config values', 'allow: { config: { <key>: <value> } }'],
  [
    /^(headgate:function\/messaging|wasmcloud:messaging\/)/,
    'messaging',
    'allow: { messaging: { publish: [<topic filter>], request: [<topic filter>] } }',
  ],
  [/^headgate:function\/call/, 'calls of other functions', 'allow: { call: [<function>] }'],
]

/** Something that it asks for and is not given. */
interface Need {
  readonly what: string
  /** The line under the function that allows it; absent when no option does. */
  readonly allow?: string
}

/** What it would need to be allowed, each once. */
export function needsOf({ imports }: Inspection): readonly Need[] {
  const needs = new Map<string, Need>()
  for (const { name } of imports.filter(({ given }) => !given)) {
    const [, what = name, allow] = PURPOSES.find(([start]) => start.test(name)) ?? []
    needs.set(what, { what, ...(allow === undefined ? {} : { allow }) })
  }
  return [...needs.values()]
}

/** What a person reads of it. */
export function inspectionLines(file: string, found: Inspection, paint: Paint): readonly string[] {
  const { kind, interface: speaks, bytes, sha256, memoryBytes, imports, exports } = found
  const is = speaks ? SPEAKS[speaks] : `a ${kind}, and no function`
  const rows = [
    ['size', `${bytes} bytes`],
    ['sha256', sha256],
    ...(memoryBytes === undefined ? [] : [['memory', `${memoryBytes >> 10} KiB to start with`]]),
    ...listed('exports', exports.map(shown)),
    ...listed(
      'imports',
      imports.map(({ name, given }) => `${shown(name)}${given ? '' : paint('yellow', ' denied')}`),
    ),
  ]
  const needs = needsOf(found).map(({ what, allow }) => [`    ${shown(what)}`, allow ?? 'no option allows it'])
  return [
    `${paint('bold', shown(file))} is ${is}`,
    ...columns(rows).map((line) => `  ${line}`),
    ...(needs.length === 0 ? [] : ['  what it is denied unless its function says:', ...columns(needs)]),
  ]
}

const listed = (name: string, values: readonly string[]): string[][] =>
  values.length === 0 ? [[name, 'none']] : values.map((value, index) => [index === 0 ? name : '', value])
