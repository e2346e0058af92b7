/** Builds functions in JavaScript and TypeScript: bundled to one module without types, and an engine put around that. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { aliasedModule, unaliased } from './alias.ts'
import { bundled } from './bundle.ts'
import type { Job } from './job.ts'
import { AuthorError } from './problem.ts'
import { type World, worldOf } from './world.ts'

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

async function onQuickJs({ folder }: Job, { name, wit }: World, code: string, jsPath: string): Promise<Uint8Array> {
  const { componentize } = await import('componentize-qjs')
  const options = { jsPath, moduleRoot: folder, sync: true, optSize: true }
  const { component } = await componentize({ witPath: wit, world: name, jsSource: aliasedModule(code), ...options })
  return unaliased(component)
}

async function onStarlingMonkey({ folder }: Job, { name, wit }: World, code: string): Promise<Uint8Array> {
  // Its WASI host opens no folder by itself since preview2-shim 0.26.
  const { _setPreopens } = await import('@bytecodealliance/preview2-shim/filesystem')
  Reflect.apply(_setPreopens, undefined, [{ '/': '/' }])
  const { componentize } = await import('@bytecodealliance/componentize-js')
  const sourcePath = join(folder, 'build', 'index.js')
  mkdirSync(dirname(sourcePath), { recursive: true })
  writeFileSync(sourcePath, aliasedModule(code))
  const disableFeatures: ('http' | 'fetch-event')[] = ['http', 'fetch-event']
  const { component } = await componentize({ sourcePath, witPath: wit, worldName: name, disableFeatures })
  return unaliased(component)
}
