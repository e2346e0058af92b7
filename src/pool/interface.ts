/** Which of the four interfaces a file speaks: told from what it exports, before anything of it runs. */

import { BUILD, ComponentError } from './invalid.ts'

/**
 * `handler` is the world of functions/wit; `http` is `wasi:http/incoming-handler` and `command` is `wasi:cli/run`, both of
 * WASI 0.2; `wasip1` is a core module with `_start`.
 */
export type Interface = 'handler' | 'http' | 'command' | 'wasip1'

/** What `wasip1` modules import from. */
export const PREVIEW1 = 'wasi_snapshot_preview1'

/** The versions of our interface that this gateway speaks: the same types. */
const TYPES = /import headgate:function\/types@0\.1\.\d+;/
const HANDLE = /export handle: func\(event: event, context: context\) -> result<response, failure>;/
const HTTP = /^\s*export wasi:http\/incoming-handler@0\.2\.\d+;/m
const COMMAND = /^\s*export wasi:cli\/run@0\.2\.\d+;/m
/** WASI before 0.2 was stable, and after it. */
const OTHER_WASI = /export (wasi:(?:http\/(?:incoming-)?handler|cli\/run)@(?!0\.2\.\d+;)[^;]+);/

/** What would have been understood, for those whose file was not. */
const NEEDED =
  'a function exports "handle" of functions/wit, wasi:http/incoming-handler@0.2, wasi:cli/run@0.2, or, as a module of wasip1, "_start"'

/** Tells what a component speaks by its WIT. Throws a ComponentError that says what it is instead. */
export function componentInterface(wit: string): Exclude<Interface, 'wasip1'> {
  if (TYPES.test(wit) && HANDLE.test(wit)) return 'handler'
  if (HTTP.test(wit)) return 'http'
  if (COMMAND.test(wit)) return 'command'
  const other = /headgate:function\/types@(\S+);/.exec(wit)?.[1]
  if (other !== undefined)
    throw new ComponentError(`was built for headgate:function@${other}, and this gateway speaks 0.1; ${BUILD}`)
  const wasi = OTHER_WASI.exec(wit)?.[1]
  if (wasi !== undefined)
    throw new ComponentError(`exports ${wasi}, and this gateway speaks WASI 0.2; build it for that`)
  const names = quoted(exportsOf(wit))
  throw new ComponentError(`is a component of another world: it exports ${names}, not "handle"; ${NEEDED}`)
}

/** Throws a ComponentError when a core module is no program of wasip1. */
export function checkModule(module: WebAssembly.Module): void {
  const exports = WebAssembly.Module.exports(module)
  if (!exports.some(({ name, kind }) => name === '_start' && kind === 'function'))
    throw new ComponentError(
      `is a core module that exports ${quoted(exports.map(({ name }) => name))}, not "_start"; make it a component with jco new; ${NEEDED}`,
    )
  const foreign = WebAssembly.Module.imports(module).filter(
    ({ module: from, kind }) => from !== PREVIEW1 || kind !== 'function',
  )
  if (foreign.length > 0)
    throw new ComponentError(
      `is a core module that imports ${quoted(foreign.map(({ module: from, name }) => `${from}.${name}`))}; only functions of ${PREVIEW1} are offered to one`,
    )
}

/** The exports of a world in WIT, by their names: interfaces with their version, functions bare. */
export const exportsOf = (wit: string): string[] => namesOf(wit, 'export')

/** The imports of a world in WIT. */
export const importsOf = (wit: string): string[] => namesOf(wit, 'import')

function namesOf(wit: string, keyword: 'import' | 'export'): string[] {
  const found = wit.matchAll(new RegExp(`^\\s*${keyword} ([^\\s:;]+(?::[^\\s;]+)?)`, 'gm'))
  return [...new Set([...found].map(([, name = '']) => name.replace(/:$/, '')))]
}

/** The first few of some names. */
function quoted(names: readonly string[]): string {
  if (names.length === 0) return 'nothing'
  const first = names.slice(0, MOST).map((name) => JSON.stringify(name))
  return [...first, ...(names.length > MOST ? [`${names.length - MOST} more`] : [])].join(', ')
}

const MOST = 6
