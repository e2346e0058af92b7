/** What comes of an event and has no room beside it: a copy of its dead letter, what is emitted of it. Nothing waits for that for ever. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createGateway } from '../../../src/index.ts'
import { eventually } from '../../services/eventually.ts'
import { headgate } from '../cli/gateway.ts'

const KIB = 1_024
const ROUTES = {
  poison: {
    from: 'program',
    when: 'type == "poison"',
    to: 'mqtt:never',
    transform: '$error("no")',
    dead_letter: 'mqtt:dead',
  },
  again: { from: 'program', when: 'type == "again"', to: 'mqtt:again', dead_letter: 'mqtt:dead' },
  more: { from: 'mqtt:again', to: 'mqtt:out' },
}

interface Heard {
  readonly topic: string
  readonly bytes: number
  readonly user: Readonly<Record<string, unknown>>
}

async function open(memory: boolean, routes: readonly (keyof typeof ROUTES)[]) {
  const data = mkdtempSync(join(tmpdir(), 'headgate-room-'))
  const config = {
    broker: { listen: ['tcp://127.0.0.1:0'], path: join(data, 'broker') },
    admin: { listen: '127.0.0.1:0' },
    log: { level: 'error' },
    journal: { path: join(data, 'journal'), memory, max_size: '64KiB' },
    routes: Object.fromEntries(routes.map((name) => [name, ROUTES[name]])),
  }
  const gateway = await createGateway({ yaml: JSON.stringify(config) })
  await gateway.start()
  const address = gateway.addresses.get('mqtt')?.replace('tcp:', 'mqtt:') ?? ''
  const client = await mqtt.connectAsync(address, { protocolVersion: 5 })
  onTestFinished(async () => {
    await client.endAsync(true)
    await gateway.stop()
    rmSync(data, { recursive: true, force: true })
  })
  const heard: Heard[] = []
  client.on('message', (topic, payload, { properties }) => {
    heard.push({ topic, bytes: payload.length, user: { ...properties?.userProperties } })
  })
  await client.subscribeAsync('#')
  const admin = gateway.addresses.get('admin') ?? ''
  const delivery = async (id: string) => {
    const { deliveries } = (await (await fetch(`${admin}/admin/events/${encodeURIComponent(id)}`)).json()) as {
      deliveries: readonly { status: string; attempts: number; error?: { code: string; message: string } }[]
    }
    return deliveries[0]
  }
  return {
    heard,
    send: (id: string, type: string, bytes: number) =>
      gateway.emit({ id, source: '/s', type, subject: 'of it', data: Buffer.alloc(bytes, 7) }),
    /** Resolves once it is given up. */
    dead: (id: string) =>
      eventually(
        async () => {
          const found = await delivery(id)
          return found?.status === 'dead' ? found : undefined
        },
        { what: `${id} is dead`, withinMs: 30_000 },
      ),
    hears: (id: string, topic: string) =>
      eventually(() => heard.find((each) => each.topic === topic && each.user['id'] === id), {
        what: `${id} on ${topic}`,
        withinMs: 30_000,
      }),
    why: async (id: string) => (await headgate(['why', id, '--admin', admin])).out,
  }
}

describe.each([{ memory: false }, { memory: true }])('%j', ({ memory }) => {
  test.each([
    ['larger than the journal with what says why', 64 * KIB - 400],
    ['more than half of it', 40 * KIB],
  ])('a copy that is %s has no data, and says so', async (_, bytes) => {
    const { dead, hears, heard, send, why } = await open(memory, ['poison'])
    await send('e1', 'poison', bytes)
    const { attempts, error } = await dead('e1')
    expect(attempts).toBe(1)
    expect(error).toMatchObject({ code: 'TRANSFORM_FAILED' })
    expect(error?.message).toContain(`; its copy for "mqtt:dead" has none of its ${bytes} bytes of data`)
    expect(await hears('e1', 'dead')).toMatchObject({
      bytes: 0,
      user: {
        subject: 'of it',
        deadletterbytes: `${bytes}`,
        deadlettercode: 'TRANSFORM_FAILED',
        deadletterroute: 'poison',
        deadletterreason: expect.not.stringContaining('copy'),
      },
    })
    expect(heard.filter(({ topic }) => topic === 'dead')).toHaveLength(1)
    expect(await why('e1')).toContain(`has none of its ${bytes} bytes of data`)
  })

  test('a copy that other dead letters leave no room for is not tried for ever', async () => {
    const { dead, hears, send } = await open(memory, ['poison'])
    await send('e1', 'poison', 45 * KIB)
    await dead('e1')
    await send('e2', 'poison', 12 * KIB)
    expect((await dead('e2')).error?.message).toContain(`none of its ${12 * KIB} bytes of data`)
    expect((await hears('e2', 'dead')).bytes).toBe(0)
  })

  test('one for which there is room has all of it', async () => {
    const { dead, hears, send } = await open(memory, ['poison'])
    await send('e1', 'poison', 20 * KIB)
    expect((await dead('e1')).error?.message).not.toContain('copy')
    const copy = await hears('e1', 'dead')
    expect(copy.bytes).toBe(20 * KIB)
    expect(copy.user).not.toHaveProperty('deadletterbytes')
  })

  test('what is emitted of an event and never fits beside it is given up, with the reason', async () => {
    const { dead, hears, heard, send, why } = await open(memory, ['again', 'more'])
    await send('e1', 'again', 40 * KIB)
    const { attempts, error } = await dead('e1')
    expect(attempts).toBe(1)
    expect(error).toMatchObject({ code: 'EVENT_TOO_LARGE', message: expect.stringContaining('journal.max_size') })
    await hears('e1', 'again')
    expect(heard.filter(({ topic }) => topic === 'again')).toHaveLength(1)
    await hears('e1', 'dead')
    expect(await why('e1')).toContain('EVENT_TOO_LARGE')
  })
})
