/** Each option of the journal, through a gateway: where it is, whether it lasts, how long it remembers, how much it holds. */

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createGateway, type EmbeddedGateway } from '../../../src/index.ts'
import { eventually } from '../../services/eventually.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

async function open(options: object): Promise<EmbeddedGateway & { readonly path: string }> {
  const data = mkdtempSync(join(tmpdir(), 'headgate-journal-'))
  folders.push(data)
  const path = join(data, 'here')
  const config = {
    broker: { listen: ['tcp://127.0.0.1:0'], path: join(data, 'broker') },
    http: { listen: '127.0.0.1:0' },
    admin: { listen: '127.0.0.1:0' },
    log: { level: 'error' },
    journal: { path, ...options },
    routes: { all: { from: 'program', to: 'mqtt:out' } },
  }
  const gateway = await createGateway({ yaml: JSON.stringify(config) })
  await gateway.start()
  return Object.assign(gateway, { path })
}

const event = { id: '1', source: '/shop', type: 't' }

test('path and memory: on disk there, or nowhere', async () => {
  await using kept = await open({})
  expect(existsSync(join(kept.path, 'data.mdb'))).toBe(true)
  await using unkept = await open({ memory: true })
  expect(existsSync(unkept.path)).toBe(false)
  expect((await unkept.emit(event)).duplicate).toBe(false)
  expect((await unkept.emit(event)).duplicate).toBe(true)
})

test.each([{}, { memory: true }])('retain: what is settled is remembered for so long: %j', async (more) => {
  await using gateway = await open({ retain: '200ms', ...more })
  expect((await gateway.emit(event)).duplicate).toBe(false)
  let others = 0
  const forgotten = async (): Promise<boolean> => {
    // In memory what is over is let go as something else comes.
    await gateway.emit({ ...event, id: `other-${others++}` })
    return !(await gateway.emit(event)).duplicate
  }
  await eventually(forgotten, { what: 'it is forgotten', withinMs: 15_000 })
})

test('max_size: beyond it nothing is taken', async () => {
  await using gateway = await open({ max_size: '4MiB' })
  const data = 'x'.repeat(64 * 1_024)
  let taken = 0
  const fill = async (): Promise<void> => {
    for (let at = 0; at < 400; at++, taken++) await gateway.emit({ ...event, id: `e${at}`, data })
  }
  await expect(fill()).rejects.toMatchObject({ code: 'JOURNAL_FULL' })
  expect(taken).toBeGreaterThan(10)
})
