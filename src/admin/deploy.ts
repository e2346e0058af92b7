/** The path by which a version of a function is put into the folder of functions, and runs. */

import { hash, randomUUID } from 'node:crypto'
import { link, open, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readVersioned, versioned } from '../schema/index.ts'
import type { App } from './app.ts'
import { readBody } from './body.ts'
import type { AdminParts, Deployment } from './parts.ts'
import { Problem } from './problem.ts'

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}@[\w.-]{1,64}$/
/** The largest function that is known, a JavaScript engine with its program, has 12 MB. */
const WASM_BYTES = 64 * 2 ** 20
const MAGIC = '\0asm'

/** Answers once the file is in its place, whole, and the configuration was read again; else nothing has changed. */
export function addDeploy(app: App, parts: AdminParts): void {
  app.put('/admin/functions/:name', async ({ env, json, req }) => {
    const name = req.param('name')
    const { deployment } = parts
    if (!NAME.test(name))
      throw new Problem(400, 'REQUEST_INVALID', `"${name}" is no version of a function; write <name>@<version>`)
    if (deployment === undefined)
      throw new Problem(
        409,
        'DEPLOY_UNAVAILABLE',
        `${name} (function): deploying: the gateway has no folder of functions to put it in; start it with --functions <folder>`,
      )
    if (req.header('content-type') !== 'application/wasm')
      throw new Problem(415, 'CONTENT_TYPE_REFUSED', 'send the file as it is, as content-type: application/wasm')
    const wasm = await readBody(env.incoming, WASM_BYTES)
    if (wasm.subarray(0, 4).toString('latin1') !== MAGIC)
      throw new Problem(400, 'REQUEST_INVALID', `${name} (function): deploying: what was sent ${shownStart(wasm)}`)
    const digest = hash('sha256', wasm)
    const { capabilities } = deployment
    const revoke = req.query('approve') === 'true' ? capabilities.approve(name) : undefined
    try {
      const held = await heldAs(name, parts, deployment)
      if (held && held.digest !== digest) throw taken(name, held.digest, digest)
      const isLoaded = () => parts.functions().some((one) => versioned({ ...one, name: one.function }) === name)
      // Nothing reads it for as long as nothing sends to it.
      const admit = async (file: string) => (isLoaded() ? undefined : capabilities.admit(name, file, digest))
      if (held) await unchanged(name, admit(held.file))
      const generation = held ? undefined : await deploy(name, wasm, deployment, admit)
      const loaded = isLoaded()
      parts.log.info({ function: name, sha256: digest, generation, loaded }, 'admin: a function was deployed')
      return json({ function: name, sha256: digest, loaded, ...(generation === undefined ? {} : { generation }) })
    } finally {
      revoke?.()
    }
  })
}

const shownStart = (bytes: Buffer): string =>
  bytes.length === 0
    ? 'is empty'
    : `is no WebAssembly: it begins with ${JSON.stringify(bytes.subarray(0, 16).toString('latin1'))}`

/** The file that a version is. */
interface HeldFile {
  readonly file: string
  readonly digest: string
}

/** Resolves to that of the folder or of the configuration; undefined without one. */
async function heldAs(
  name: string,
  { functionFile }: AdminParts,
  { folder }: Deployment,
): Promise<HeldFile | undefined> {
  const base = `${name}.wasm`
  const configured = functionFile(name)
  const places = [join(folder, base), join(folder, readVersioned(name).name, base)]
  for (const file of configured === undefined ? places : [configured, ...places]) {
    const bytes = await readFile(file).catch(() => undefined)
    if (bytes) return { file, digest: hash('sha256', bytes) }
  }
  return undefined
}

/** Resolves to the generation that runs then. Rejects with a Problem when it is refused; the file is gone then. */
async function deploy(
  name: string,
  wasm: Buffer,
  { folder, reload }: Deployment,
  admit: (file: string) => Promise<void>,
): Promise<number> {
  const own = join(folder, readVersioned(name).name)
  const place = (await isFolder(own)) ? own : folder
  const file = join(place, `${name}.wasm`)
  await put(file, wasm)
  const reloaded = async () => {
    const { generation } = await reload()
    await admit(file)
    return generation
  }
  try {
    return await unchanged(name, reloaded())
  } catch (error) {
    await rm(file, { force: true })
    throw error
  }
}

/** Rejects with a Problem for whatever is wrong. */
async function unchanged<T>(name: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Problem(422, 'DEPLOY_REFUSED', `${name} (function): deploying: nothing has changed: ${why}`)
  }
}

/** Whoever looks at the folder sees the whole file, or none. One that is there already stays what it is. */
async function put(file: string, wasm: Buffer): Promise<void> {
  const part = `${file}.${randomUUID()}.part`
  try {
    const handle = await open(part, 'wx')
    try {
      await handle.writeFile(wasm)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await link(part, file)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (code === 'EEXIST') throw new Problem(409, 'VERSION_TAKEN', `"${file}" was put there just now`)
    throw new Problem(500, 'DEPLOY_FAILED', `writing "${file}": ${code}`)
  } finally {
    await rm(part, { force: true })
  }
}

const taken = (name: string, held: string, digest: string): Problem =>
  new Problem(
    409,
    'VERSION_TAKEN',
    `${name} (function): deploying: sha256 is ${digest.slice(0, 12)}... and that of this version is ${held.slice(0, 12)}...; a version stays what it is, so give the file another one`,
  )

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
