/** Puts a script and all that it imports into one module, with what browsers have and the engines have not. */

import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'rolldown'

export interface Bundle {
  readonly code: string
  /** The interfaces of the world that it imports. */
  readonly imports: readonly string[]
}

/** What the engine provides: interfaces of the world, by their name. */
const INTERFACE = /^[a-z][a-z0-9-]*:[a-z0-9-]+\//

const WEB = fileURLToPath(new URL('../../functions/web/', import.meta.url))
const web = (name: string): string => join(WEB, `${name}.js`)

/** What is written as a global, and the module that has it: one that nobody names is not there, and asks for nothing. */
const GLOBALS: Readonly<Record<string, string>> = {
  AbortController: 'abort',
  AbortSignal: 'abort',
  Headers: 'headers',
  TextDecoder: 'text',
  TextEncoder: 'text',
  clearTimeout: 'timers',
  console: 'console',
  fetch: 'fetch',
  setTimeout: 'timers',
}

const INJECTED: Record<string, [file: string, name: string]> = {
  ...Object.fromEntries(Object.entries(GLOBALS).map(([name, at]) => [name, [web(at), name]])),
  Promise: [web('promise'), 'Later'],
}

/** Resolves to the module; its `handle` answers at once, whatever the script's own does. Rejects with what does not compile. */
export async function bundled(entry: string): Promise<Bundle> {
  const { rolldown } = await import('rolldown')
  const bundle = await rolldown({
    input: MAIN,
    cwd: dirname(entry),
    external: INTERFACE,
    logLevel: 'warn',
    plugins: [answering(entry), atOnce()],
    transform: { inject: INJECTED },
    // An interface that is imported and not used is one that the function would ask for.
    treeshake: { moduleSideEffects: 'no-external' },
  })
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false })
  await bundle.close()
  const [{ code, imports }] = output
  // Those that nothing used are told, too, and are not there any more.
  return { code, imports: imports.filter((name) => code.includes(JSON.stringify(name))) }
}

const MAIN = '\0headgate-main'

/** A module around the script: what its handler promises is waited for. */
const answering = (entry: string): Plugin => ({
  name: 'headgate-answering',
  resolveId: (id) => (id === MAIN ? id : undefined),
  load: (id) =>
    id === MAIN
      ? [
          `import { handle as work } from ${JSON.stringify(entry)}`,
          `import { finished } from ${JSON.stringify(web('loop'))}`,
          'export const handle = (event, context) => finished(work(event, context))',
        ].join('\n')
      : undefined,
})

const HELPER = '@oxc-project/runtime/helpers/asyncToGenerator'
/** The last version of the language without asynchronous functions. */
const BEFORE_ASYNC = 'es2016'

/**
 * Asynchronous functions become generators, whose promises are our own: nobody runs the jobs of an engine's promises
 * while a function is called. Modules without any stay as they are.
 */
const atOnce = (): Plugin => ({
  name: 'headgate-at-once',
  resolveId: (id) => (id === HELPER ? web('coroutine') : undefined),
  transform: {
    filter: { code: /\b(?:async|await)\b/ },
    handler: async (source, id) => {
      const { transform } = await import('rolldown/utils')
      const { code, errors } = await transform(id, source, { target: BEFORE_ASYNC })
      // What is wrong with it is told by who comes next, with its place.
      return errors.length > 0 ? undefined : { code, moduleType: 'js' }
    },
  },
})
