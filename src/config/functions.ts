/** Makes function specs of their configuration: files found beside the file that names them. */

import { dirname, resolve } from 'node:path'
import type { FunctionConfig } from '../pool/config.ts'
import type { FunctionSpec } from '../pool/pool.ts'
import type { Reporter } from './names.ts'
import type { Sections } from './sections.ts'

export interface Functions {
  readonly functions: readonly FunctionSpec[]
  /** Names of those that anyone may call by name. */
  readonly callable: readonly string[]
}

/** A path alone is short for its options. Reports files that `exists` does not find. */
export function functionsOf(
  entries: Sections['functions'],
  reporter: Reporter,
  exists: (file: string) => boolean,
): Functions {
  const functions: FunctionSpec[] = []
  const callable: string[] = []
  for (const [name, config] of Object.entries(entries)) {
    const path = reporter.places.at(['functions', name, 'wasm']) ? ['functions', name, 'wasm'] : ['functions', name]
    const wasm = resolve(dirname(reporter.places.nearest(path)?.place.source.file ?? '.'), config.wasm)
    if (!exists(wasm))
      reporter.report(path, `there is no file "${config.wasm}"`, {
        suggestion: 'paths begin at the folder of this file; npm run build:functions builds the examples',
      })
    functions.push(specOf(name, wasm, config))
    if (config.call) callable.push(name)
  }
  return { functions, callable }
}

function specOf(name: string, wasm: string, config: FunctionConfig): FunctionSpec {
  return {
    name,
    ...(config.version === undefined ? {} : { version: config.version }),
    wasm,
    min: config.pool.min,
    max: config.pool.max,
    idleMs: config.pool.idle,
    timeoutMs: config.timeout,
    memoryBytes: config.memory,
    env: config.env,
  }
}
