/** kill -9 of the broker while sessions publish and are sent messages: nothing acknowledged is lost, and identities hold. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { afterEach, expect, test } from 'vitest'
import { until } from '../../e2e/broker/running.ts'

let child: ChildProcess | undefined
let path = ''
afterEach(async () => {
  child?.kill('SIGKILL')
  await rm(path, { recursive: true, force: true })
})

async function serve(port: string): Promise<string> {
  const script = join(import.meta.dirname, 'serve.ts')
  const process_ = spawn(process.execPath, [script, path, port, join(path, 'ledger')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  child = process_
  const [line] = (await once(process_.stdout, 'data')) as [Buffer]
  return String(line).trim()
}

const KILLS = 4
const MESSAGES = 1_500

test.each([4, 5] as const)(
  'MQTT %s: 4 kills in 1,500 publishes at QoS 1 and 2 through kept sessions',
  async (protocolVersion) => {
    path = await mkdtemp(join(tmpdir(), 'headgate-kill-'))
    await writeFile(join(path, 'ledger'), '')
    const port = await serve('0')
    const options = {
      protocolVersion,
      clean: false,
      reconnectPeriod: 30,
      ...(protocolVersion === 5 && { properties: { sessionExpiryInterval: 600 } }),
    }
    const url = `mqtt://127.0.0.1:${port}`
    const receiver = mqtt.connect(url, { ...options, clientId: 'receiver' })
    const sender = mqtt.connect(url, { ...options, clientId: 'sender' })
    for (const client of [receiver, sender]) client.on('error', () => {})
    const received = new Set<string>()
    receiver.on('message', (_topic, payload) => void received.add(String(payload)))
    await receiver.subscribeAsync('out/#', { qos: 1 })
    const acknowledged = new Set<string>()
    let next = 0
    const publish = async (): Promise<void> => {
      while (next < MESSAGES) {
        const payload = String(next++)
        const topic = next % 3 === 0 ? 'out/x' : 'in/x'
        await sender.publishAsync(topic, payload, { qos: next % 2 === 0 ? 1 : 2 })
        acknowledged.add(payload)
      }
    }
    const publishing = Promise.all(Array.from({ length: 32 }, publish))
    for (let kill = 1; kill <= KILLS; kill++) {
      await until(() => acknowledged.size > (MESSAGES * kill) / (KILLS + 1), 'some are acknowledged', 60_000)
      child?.kill('SIGKILL')
      await serve(port)
    }
    await publishing
    const isOut = (payload: string) => (Number(payload) + 1) % 3 === 0
    const out = [...acknowledged].filter(isOut)
    await until(() => out.every((payload) => received.has(payload)), 'the receiver has all', 30_000)
    const lines = (await readFile(join(path, 'ledger'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
    const names = Map.groupBy(lines, ([, payload]) => payload)
    const lost = [...acknowledged].filter((payload) => !isOut(payload) && !names.has(payload))
    const renamed = [...names.values()].filter((uses) => new Set(uses.map(([identity]) => identity)).size > 1)
    const again = [...names.values()].filter((uses) => uses.length > 1)
    console.log(
      `${KILLS} kills: ${acknowledged.size} acknowledged, ${lost.length} lost, ${again.length} came again, ${renamed.length} of them under another name`,
    )
    expect(lost).toEqual([])
    expect(renamed.length).toBeLessThanOrEqual(KILLS * 32)
    sender.end(true)
    receiver.end(true)
  },
)
