/** Versions are deployed, promoted and rolled back from the command line, in a gateway that runs. */

import { hash } from 'node:crypto'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { sharedByTests } from '../../services/tries.ts'
import { type Gateway, headgate, repository, runGateway, type Scratch, scratch, until } from './gateway.ts'

const echo = join(repository, 'functions/echo/echo.wasm')
const guest = join(repository, 'test/functions/guests/hostile/hostile.wasm')

let folder: Scratch
let functions: string
let running: Gateway

sharedByTests(async () => {
  folder = scratch()
  functions = folder.fresh('functions')
  copyFileSync(echo, join(functions, 'size@1.wasm'))
  copyFileSync(guest, join(functions, 'size@2.wasm'))
  const config = folder.file(
    'rollout.yaml',
    `routes:
  plain: { from: "http:POST /plain", to: size, delivery: durable }
  green: { from: "http:POST /green", to: { size@1: 100, size@2: 0 }, delivery: durable }
`,
  )
  running = await runGateway(config, join(folder.path, 'data'), { HEADGATE_FUNCTIONS: functions })
  return async () => {
    running.child.kill('SIGTERM')
    expect(await running.ended).toMatchObject({ code: 0 })
    folder.remove()
  }
})

/** A core module that imports one function. */
function moduleOf(from: string, name: string): Buffer {
  const text = (each: string) => [each.length, ...Buffer.from(each)]
  const section = (id: number, bytes: readonly number[]) => [id, bytes.length, ...bytes]
  const imported = [1, ...text(from), ...text(name), 0, 0]
  return Buffer.from([...Buffer.from('\0asm'), 1, 0, 0, 0, ...section(1, [1, 0x60, 0, 0]), ...section(2, imported)])
}

/** The target that an event of this path is sent to. */
async function reached(path: string): Promise<string> {
  const id = crypto.randomUUID()
  const headers = { 'content-type': 'application/cloudevents+json' }
  const body = JSON.stringify({ specversion: '1.0', id, source: '/test', type: 'context' })
  await fetch(`http://${running.http[1]}${path}`, { method: 'POST', headers, body })
  const response = await fetch(`http://${running.admin[1]}/admin/events/${id}`)
  const { deliveries } = (await response.json()) as { deliveries: { to: string }[] }
  return deliveries[0]?.to ?? ''
}

const say = (...args: readonly string[]) => headgate(['function', ...args, ...running.admin])

describe('blue and green', () => {
  test('are switched by promote and rollback, by version or by route', async () => {
    expect(await reached('/green')).toBe('size@1')
    expect(await say('promote', 'size@2')).toMatchObject({
      code: 0,
      out: 'green: size@2 is promoted; { size@1: 0, size@2: 100 } from now on\n',
    })
    expect(await reached('/green')).toBe('size@2')
    expect(await say('rollback', 'green')).toMatchObject({
      code: 0,
      out: 'green: size@2 is rolled back; { size@1: 100, size@2: 0 } from now on\n',
    })
    expect(await reached('/green')).toBe('size@1')
    const { out } = await say('promote', 'green', '--json')
    expect(JSON.parse(out)).toEqual({
      decided: [
        {
          route: 'green',
          candidate: 'size@2',
          decided: 'promoted',
          configured: { 'size@1': 100, 'size@2': 0 },
          weights: { 'size@1': 0, 'size@2': 100 },
        },
      ],
    })
  })

  test.each(['plain', 'size@7', 'nobody'])('"%s" has nothing to choose from, and what has is told', async (what) => {
    const { code, err } = await say('promote', what)
    expect(code).toBe(1)
    expect(err).toContain(`"${what}" is neither a route that has weights for versions of one function`)
    expect(err).toContain('those that have weights are "green" (size@1, size@2)')
  })
})

describe('deploy', () => {
  test('puts a version in its place, and it runs', async () => {
    expect(await reached('/plain')).toBe('size@2')
    expect(await say('deploy', 'size@3', echo)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^size@3 is deployed, generation \d+ runs \(sha256 [0-9a-f]{12}\.\.\.\)\n$/),
    })
    expect(await reached('/plain')).toBe('size@3')
    expect(await say('deploy', 'size@3', echo)).toMatchObject({
      code: 0,
      out: expect.stringContaining('there already'),
    })
    expect(readdirSync(functions)).toEqual(['size@1.wasm', 'size@2.wasm', 'size@3.wasm'])
  })

  test('of another file under a version that there is, is refused', async () => {
    const { code, err } = await say('deploy', 'size@1', guest)
    expect(code).toBe(1)
    expect(err).toContain('a version stays what it is, so give the file another one')
  })

  test('of what is no function is refused, and nothing has changed', async () => {
    const broken = folder.file('broken.wasm', '')
    writeFileSync(broken, Buffer.from('\0asm\x01\0\0\0\x0ajunk', 'latin1'))
    const before = await reached('/plain')
    const { code, err } = await say('deploy', 'size@99', broken)
    expect(code).toBe(1)
    expect(err).toContain('size@99 (function): deploying: nothing has changed')
    expect(await reached('/plain')).toBe(before)
    expect(readdirSync(functions)).not.toContain('size@99.wasm')
  })

  test.each([
    ['cut off', (wasm: Buffer) => wasm.subarray(0, wasm.length / 2), 'it is a broken component'],
    ['a module of unknown imports', () => moduleOf('env', 'thing'), 'it is a core module that'],
  ])('of what is no function is refused where nothing sends to it yet, too: %s', async (_, broken, why) => {
    const file = folder.file('unsent.wasm', '')
    writeFileSync(file, broken(readFileSync(echo)))
    const { code, err } = await say('deploy', 'unsent@1', file)
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining(why) })
    expect(err).toContain('unsent@1 (function): deploying: nothing has changed')
    expect(readdirSync(functions)).not.toContain('unsent@1.wasm')
  })

  test('of what asks for more is asked about before anything sends to it, and approved once for good', async () => {
    expect(await say('deploy', 'asks@1', echo)).toMatchObject({ code: 0 })
    expect(await say('deploy', 'asks@2', guest)).toMatchObject({
      code: 1,
      err: expect.stringContaining('asks@2 (function): loading: it asks for wasi:filesystem and wasi:sockets'),
    })
    expect(readdirSync(functions)).not.toContain('asks@2.wasm')
    expect(await say('deploy', 'asks@2', guest, '--approve')).toMatchObject({ code: 0 })
    expect(await say('deploy', 'asks@3', guest)).toMatchObject({ code: 0 })
  })

  test('of what no route names waits for one', async () => {
    const { code, out } = await say('deploy', 'other@1', echo)
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('no route sends to it') })
    await until('it is there', 30_000, () => readdirSync(functions).includes('other@1.wasm'))
  })

  test('of an image in a layout is that of its one layer of Wasm', async () => {
    const layout = folder.fresh('layout')
    const blobs = join(layout, 'blobs/sha256')
    mkdirSync(blobs, { recursive: true })
    const blob = (bytes: Buffer | string) => {
      const hex = hash('sha256', bytes)
      writeFileSync(join(blobs, hex), bytes)
      return `sha256:${hex}`
    }
    const layers = [{ mediaType: 'application/wasm', digest: blob(readFileSync(echo)) }]
    const manifests = [{ digest: blob(JSON.stringify({ layers })) }]
    writeFileSync(join(layout, 'index.json'), JSON.stringify({ manifests }))
    expect(await say('deploy', 'laid@1', layout)).toMatchObject({
      code: 0,
      out: expect.stringContaining('is deployed'),
    })
    expect(readFileSync(join(functions, 'laid@1.wasm'))).toEqual(readFileSync(echo))
  })

  test.each([
    ['a file that is not there', ['size@4', '/nowhere.wasm'], 'reading "/nowhere.wasm": no such file'],
    ['a name without a version', ['size', echo], '"size" is no version of a function'],
    ['a name that leaves the folder', ['../size@4', echo], '"../size@4" is no version of a function'],
    ['a folder', ['size@4', repository], 'is a folder, and no OCI image layout'],
    ['what is no WebAssembly', ['size@4', join(repository, 'package.json')], 'is no WebAssembly: it begins with "{'],
    ['nothing', ['size@4', '/dev/null'], 'size@4 (function): deploying: what was sent is empty'],
  ])('of %s is refused', async (_, args, why) => {
    const { code, err } = await say('deploy', ...args)
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining(why) })
  })
})
