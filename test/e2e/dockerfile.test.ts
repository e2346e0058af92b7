/** The Dockerfile without Docker: its steps in a clean folder, then its command, its health check and its end. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  constants,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../services/ports.ts'
import { until } from './cli/gateway.ts'
import { buildImage, type Image } from './dockerfile.ts'

const repository = new URL('../..', import.meta.url).pathname
/** The user "node" of the base image. */
const NODE_USER = 1_000

let folder: string
let image: Image
let env: Record<string, string>
let gateway: ChildProcess | undefined

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'headgate-image-'))
  chmodSync(folder, 0o755)
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  // The base image has Node 26 in its path, where every user may run it.
  copyFileSync(process.execPath, join(bin, 'node'), constants.COPYFILE_FICLONE)
  chmodSync(join(bin, 'node'), 0o755)
  env = { ...inherited(), PATH: [bin, process.env['PATH']].join(delimiter), HOME: folder }
  image = buildImage(repository, join(folder, 'stages'), env)
}, 300_000)

afterAll(() => {
  gateway?.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** npm is told here where its registry is and what it may trust; the rest of this process's environment stays out. */
const inherited = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] =>
        /^(npm_config_|https?_proxy$|no_proxy$|node_extra_ca)/i.test(entry[0]) && entry[1] !== undefined,
    ),
  )

test('holds production dependencies only, and no tests', () => {
  const modules = readdirSync(join(image.root, image.workdir, 'node_modules'))
  expect(modules).toContain('hono')
  expect(modules).not.toContain('vitest')
  expect(modules).not.toContain('mqtt')
  expect(readdirSync(join(image.root, image.workdir, 'src')).filter((name) => name.endsWith('.test.ts'))).toEqual([])
})

test('is built on Node 26 and leaves root behind', () => {
  expect(image.base).toBe('node:26-slim')
  expect(image.user).toBe('node')
  expect(image.volumes).toEqual(['/data'])
})

test('runs as another user, is healthy, writes nothing but its volume, and ends with 0 on SIGTERM', async () => {
  const [mqtt, http, admin] = await Promise.all([freePort(), freePort(), freePort()])
  const data = join(image.root, 'data')
  const scratch = mkdtempSync(join(folder, 'tmp-'))
  chmodSync(scratch, 0o777)
  const inside = {
    ...env,
    ...image.env,
    TMPDIR: scratch,
    HEADGATE_DATA: data,
    NODE_COMPILE_CACHE: join(data, 'compile-cache'),
    HEADGATE_MQTT: `tcp://127.0.0.1:${mqtt}`,
    HEADGATE_HTTP: `127.0.0.1:${http}`,
    HEADGATE_ADMIN: `127.0.0.1:${admin}`,
  }
  const user = process.getuid?.() === 0 ? { uid: NODE_USER, gid: NODE_USER } : {}
  if ('uid' in user) for (const path of image.owned) chownSync(path, NODE_USER, NODE_USER)
  const before = listing(image.root, data)
  const [command = '', ...args] = image.command
  const child = spawn(command, args, {
    cwd: join(image.root, image.workdir),
    env: inside,
    ...user,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  gateway?.kill('SIGKILL')
  gateway = child
  let said = ''
  child.stdout.on('data', (chunk) => (said += chunk))
  child.stderr.on('data', (chunk) => (said += chunk))
  const exited = once(child, 'exit')
  const [probe = '', ...probeArgs] = image.health
  await until('the health check passes', 60_000, () => {
    if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}: ${said}`)
    try {
      execFileSync(probe, probeArgs, { env: inside, stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  })
  child.kill('SIGTERM')
  const [code] = await exited
  expect(code, said).toBe(0)
  expect(readdirSync(data)).toContain('journal')
  expect(listing(image.root, data)).toEqual(before)
  expect(readdirSync(scratch)).toEqual([])
})

/** Every path below a folder with its size and time, another one left out. */
function listing(root: string, without: string): readonly string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.startsWith(without))
    .map((path) => {
      const { mtimeMs, size } = statSync(path)
      return `${path} ${size} ${mtimeMs}`
    })
}
