/** Row 11 of the fault matrix, on the whole gateway: a sink that is a black hole costs its own route alone. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import mqtt from 'mqtt'
import { afterEach, expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { startGateway } from '../../services/gateway.ts'
import { Receiver } from '../../services/receiver.ts'
import { follow } from '../../services/tail.ts'
import { WHOLE } from '../faults.ts'
import { callWhile, figuresOf, inPairs, upTo } from '../pairs.ts'
import { bodyOf } from './ledger.ts'

const TIMEOUT_MS = 400
const SWALLOWED = 64
const PAIRS = WHOLE ? 5 : 4

interface Hole extends AsyncDisposable {
  readonly port: number
}

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** Takes requests, and answers none. */
async function mute(): Promise<Hole> {
  return Receiver.open(() => 'never')
}

/**
 * Answers not even a SYN, as a port behind a firewall that drops: the process that listens is stopped, and the few
 * connections that the kernel would take for it are taken.
 */
async function dropping(): Promise<Hole> {
  const script = `const s = require('net').createServer(); s.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(s.address().port))`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const port = Number(line)
  child.kill('SIGSTOP')
  const sockets: Socket[] = []
  await eventually(
    async () => {
      const socket = connect(port, '127.0.0.1')
      sockets.push(socket)
      const taken = await Promise.race([
        once(socket, 'connect').then(
          () => true,
          () => false,
        ),
        new Promise<false>((resolve) => setTimeout(() => resolve(false), 300)),
      ])
      return !taken
    },
    { what: 'a connection is neither taken nor refused' },
  )
  for (const socket of sockets) socket.on('error', () => {})
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      child.kill('SIGKILL')
    },
  }
}

test.each([
  ['that never answers', mute],
  ['that drops even the SYN', dropping],
])('row 11: a black hole %s: each attempt ends in its time, and the other routes hardly notice', async (what, open) => {
  const arrivals = new Map<string, () => void>()
  await using hole = await open()
  await using near = await Receiver.open(({ headers }) => {
    arrivals.get(`${headers['ce-id']}`)?.()
    return { status: 204 }
  })
  const sink = (port: number) =>
    `{ http: { url: "http://127.0.0.1:${port}/", allow: [127.0.0.1], timeout: ${TIMEOUT_MS}ms } }`
  await using gateway = await startGateway({
    config: `
sinks: { hole: ${sink(hole.port)}, near: ${sink(near.port)} }
routes:
  hole: { from: "mqtt:hole/+", to: hole, retry: 0 }
  near: { from: http, to: near, retry: 0 }
`,
  })
  using tail = await follow(gateway)
  const swallowed = () => tail.lines.filter(({ kind, route }) => kind === 'settled' && route === 'hole')
  const client = mqtt.connect(`mqtt://127.0.0.1:${gateway.mqtt}`, { clientId: 'hole' })
  let calls = 0
  /** From the post until the neighbour of the hole has the event. */
  const call = async () => {
    const id = `near-${calls++}`
    const arrived = new Promise<void>((resolve) => arrivals.set(id, resolve))
    const headers = { 'content-type': 'application/cloudevents+json' }
    const url = `http://127.0.0.1:${gateway.http}/events`
    const posted = fetch(url, { method: 'POST', headers, body: bodyOf(id) }).then((response) => response.arrayBuffer())
    await Promise.all([posted, arrived])
    arrivals.delete(id)
  }
  let thrown = 0
  const beside = async () => {
    for (let at = 0; at < SWALLOWED; at += 1) {
      const id = `hole-${thrown++}`
      await client.publishAsync(`hole/${id}`, bodyOf(id), { qos: 1 })
    }
    return callWhile(call, () => swallowed().length < thrown)
  }
  await callWhile(call, upTo(500))
  const pairs = await inPairs(PAIRS, () => callWhile(call, upTo((SWALLOWED / 16) * TIMEOUT_MS)), beside)
  const took = swallowed().map(({ tookMs = Number.NaN }) => tookMs)
  const middle = took.toSorted((a, b) => a - b)[Math.floor(took.length / 2)]
  const figures = { attempts: took.length, fastest: Math.min(...took), middle, calls }
  console.log(JSON.stringify({ row: 11, hole: what, timeout: TIMEOUT_MS, ...figures, ...figuresOf(pairs) }))
  await client.endAsync(true)
  expect(swallowed().map(({ outcome }) => outcome)).toEqual(took.map(() => 'dead'))
  expect(took).toHaveLength(PAIRS * SWALLOWED)
  expect(Math.min(...took)).toBeGreaterThanOrEqual(TIMEOUT_MS - 20)
  expect(middle).toBeLessThan(2 * TIMEOUT_MS)
  expect(pairs.held).toBeLessThan(2)
})
