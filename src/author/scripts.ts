/** Builds functions in JavaScript and TypeScript: bundled to one module without types, and an engine put around that. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Job } from './job.ts'
import { AuthorError } from './problem.ts'

/** What the engine provides: interfaces of the world, by their name. */
const INTERFACE = /^[a-z][a-z0-9-]*:[a-z0-9-]+\//

export async function buildScript(job: Job): Promise<Uint8Array> {
  const typed = join(job.folder, 'index.ts')
  const entry = existsSync(typed) ? typed : join(job.folder, 'index.js')
  try {
    const code = await bundled(entry)
    return await (job.engine === 'quickjs' ? onQuickJs(job, code, entry) : onStarlingMonkey(job, code))
  } catch (cause) {
    const what = cause instanceof Error ? cause.message.trim() : String(cause)
    throw new AuthorError(`${job.name} (build): making a component: ${what}`, { cause })
  }
}

/** The engines know neither types nor packages: what is imported is put into the one module. */
async function bundled(entry: string): Promise<string> {
  const { rolldown } = await import('rolldown')
  const bundle = await rolldown({ input: entry, cwd: dirname(entry), external: INTERFACE, logLevel: 'warn' })
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false })
  await bundle.close()
  return output[0].code
}

async function onQuickJs({ folder, wit }: Job, jsSource: string, jsPath: string): Promise<Uint8Array> {
  const { componentize } = await import('componentize-qjs')
  const options = { jsPath, moduleRoot: folder, sync: true, optSize: true }
  const { component } = await componentize({ witPath: wit, world: 'handler', jsSource, ...options })
  return component
}

async function onStarlingMonkey({ folder, wit }: Job, code: string): Promise<Uint8Array> {
  // Its WASI host opens no folder by itself since preview2-shim 0.26.
  const { _setPreopens } = await import('@bytecodealliance/preview2-shim/filesystem')
  Reflect.apply(_setPreopens, undefined, [{ '/': '/' }])
  const { componentize } = await import('@bytecodealliance/componentize-js')
  const sourcePath = join(folder, 'build', 'index.js')
  mkdirSync(dirname(sourcePath), { recursive: true })
  writeFileSync(sourcePath, code)
  const disableFeatures: ('http' | 'fetch-event')[] = ['http', 'fetch-event']
  const { component } = await componentize({ sourcePath, witPath: wit, worldName: 'handler', disableFeatures })
  return component
}
