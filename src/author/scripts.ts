/** Builds functions in JavaScript and TypeScript: bundled to one module without types, and an engine put around that. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Job } from './job.ts'
import { AuthorError } from './problem.ts'
import { type World, worldOf } from './world.ts'

/** What the engine provides: interfaces of the world, by their name. */
const INTERFACE = /^[a-z][a-z0-9-]*:[a-z0-9-]+\//

export async function buildScript(job: Job): Promise<Uint8Array> {
  const typed = join(job.folder, 'index.ts')
  const entry = existsSync(typed) ? typed : join(job.folder, 'index.js')
  try {
    const { code, imports } = await bundled(entry)
    const world = worldOf(job, imports)
    return await (job.engine === 'quickjs' ? onQuickJs(job, world, code, entry) : onStarlingMonkey(job, world, code))
  } catch (cause) {
    const what = cause instanceof Error ? cause.message.trim() : String(cause)
    throw new AuthorError(`${job.name} (build): making a component: ${what}`, { cause })
  }
}

/** The engines know neither types nor packages: what is imported is put into the one module. */
async function bundled(entry: string): Promise<{ readonly code: string; readonly imports: readonly string[] }> {
  const { rolldown } = await import('rolldown')
  const bundle = await rolldown({ input: entry, cwd: dirname(entry), external: INTERFACE, logLevel: 'warn' })
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false })
  await bundle.close()
  const [{ code, imports }] = output
  return { code, imports }
}

async function onQuickJs({ folder }: Job, { name, wit }: World, jsSource: string, jsPath: string): Promise<Uint8Array> {
  const { componentize } = await import('componentize-qjs')
  const options = { jsPath, moduleRoot: folder, sync: true, optSize: true }
  const { component } = await componentize({ witPath: wit, world: name, jsSource, ...options })
  return component
}

async function onStarlingMonkey({ folder }: Job, { name, wit }: World, code: string): Promise<Uint8Array> {
  // Its WASI host opens no folder by itself since preview2-shim 0.26.
  const { _setPreopens } = await import('@bytecodealliance/preview2-shim/filesystem')
  Reflect.apply(_setPreopens, undefined, [{ '/': '/' }])
  const { componentize } = await import('@bytecodealliance/componentize-js')
  const sourcePath = join(folder, 'build', 'index.js')
  mkdirSync(dirname(sourcePath), { recursive: true })
  writeFileSync(sourcePath, code)
  const disableFeatures: ('http' | 'fetch-event')[] = ['http', 'fetch-event']
  const { component } = await componentize({ sourcePath, witPath: wit, worldName: name, disableFeatures })
  return component
}
