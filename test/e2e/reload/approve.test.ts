/** A version that asks for more than those before it is refused until that is approved, also over restarts. */

import { copyFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createGateway } from '../../../src/index.ts'
import { ROOT } from '../../services/gateway.ts'
import { headgate, runGateway } from '../cli/gateway.ts'
import { dataOf, folder, Running, yamlIn } from './running.ts'

/** Asks for files and the network. */
const guest = `${ROOT}/test/functions/guests/hostile/hostile.wasm`
/** Asks for nothing. */
const echo = `${ROOT}/functions/echo/echo.wasm`

afterAll(() => folder.remove())

const config = (functions: string): string =>
  `functions: { ${functions} }\nroutes: { r: { from: program, to: size } }\n`
const refused = /^size@3 \(function\): loading: it asks for wasi:filesystem and wasi:sockets, which no version before/

describe('a version that asks for more', () => {
  test('is refused by a reload, and the one that ran goes on', async () => {
    await using running = await Running.open('reload', config(`size@2: ${echo}`))
    await expect(running.reload(config(`size@2: ${echo}, size@3: ${guest}`))).rejects.toThrow(refused)
    await expect(running.reload(config(`size@3: ${guest}`))).rejects.toThrow(refused)
    await running.emit('1', 'echo')
    await running.done('1')
    expect(running.at('1')).toEqual(['size@2'])
  })

  test('is refused by a start after another version ran', async () => {
    const data = dataOf('start')
    const first = await createGateway({ yaml: yamlIn(data, config(`size@2: ${echo}`)) })
    await first.start()
    await first.stop()
    const second = await createGateway({ yaml: yamlIn(data, config(`size@3: ${guest}`)) })
    await expect(second.start()).rejects.toMatchObject({ code: 'FUNCTION_UNAPPROVED' })
    const approved = `size@3: { wasm: ${guest}, approve: [wasi:filesystem, wasi:sockets] }`
    const third = await createGateway({ yaml: yamlIn(data, config(approved)) })
    await third.start()
    await third.stop()
    // What was approved once is known.
    const fourth = await createGateway({ yaml: yamlIn(data, config(`size@3: ${guest}`)) })
    await fourth.start()
    await fourth.stop()
  })

  test('runs when all of that is approved, and not when it is a part', async () => {
    await using running = await Running.open('approve', config(`size@2: ${echo}`))
    const young = (approve: string) => config(`size@2: ${echo}, size@3: { wasm: ${guest}, approve: [${approve}] }`)
    await expect(running.reload(young('wasi:sockets'))).rejects.toThrow('it asks for wasi:filesystem, which')
    await running.reload(young('wasi:sockets, wasi:filesystem'))
    await running.emit('1', 'context')
    await running.done('1')
    expect(running.at('1')).toEqual(['size@3'])
    // One that asks for less needs nobody, nor one that asks for what one before it did.
    await running.reload(config(`size@3: ${guest}, size@4: ${echo}`))
    await running.reload(config(`size@4: ${echo}, size@5: ${guest}`))
    await running.reload(config(`size@4: ${echo}`))
    await expect(running.reload(config(`size@6: ${guest}`))).rejects.toThrow('size@6')
  })

  test('is not asked without a version', async () => {
    await using running = await Running.open('plain', config(`size: ${echo}`))
    await running.reload(config(`size: ${guest}`))
  })
})

test('headgate function diff says what, and deploy --approve approves it', async () => {
  const functions = folder.fresh('functions')
  copyFileSync(echo, join(functions, 'size@2.wasm'))
  const file = folder.file('deploy.yaml', 'routes: { r: { from: http, to: size } }\n')
  await using running = await runGateway(file, dataOf('deploy'), { HEADGATE_FUNCTIONS: functions })
  const deploy = (...more: readonly string[]) =>
    headgate(['function', 'deploy', 'size@3', guest, ...running.admin, ...more])
  expect(await deploy()).toMatchObject({ code: 1, err: expect.stringContaining('or deploy it with --approve') })
  expect(readdirSync(functions)).toEqual(['size@2.wasm'])
  expect(await deploy('--approve')).toMatchObject({ code: 0, out: expect.stringContaining('size@3 is deployed') })
  running.child.kill('SIGTERM')
  expect(await running.ended).toMatchObject({ code: 0 })
  const diff = await headgate(['function', 'diff', 'size@2', 'size@3', '--functions', functions])
  expect(diff.out).toContain('+ wasi:sockets/tcp\n')
  expect(diff.out).toContain(
    'to be approved: wasi:filesystem, wasi:sockets\n  by approve: [wasi:filesystem, wasi:sockets] in the options of the ',
  )
  const back = await headgate(['function', 'diff', guest, echo, '--json'])
  expect(JSON.parse(back.out)).toMatchObject({ same: false, added: [], approve: [] })
  expect(JSON.parse(back.out).removed).toContain('wasi:sockets/tcp')
  const unknown = await headgate(['function', 'diff', 'size@2', 'size@9', '--functions', functions])
  expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining('size@9: there is no such version') })
  const nowhere = await headgate(['function', 'diff', 'size@2', 'size@3', '--config', join(functions, 'none.yaml')])
  expect(nowhere).toMatchObject({ code: 1, err: expect.stringContaining('size@2: nothing says which file this') })
})
