/** Row 8 of the fault matrix, on the whole gateway: the disk refuses to sync once, and nothing is acknowledged after that. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { expect, test } from 'vitest'
import { type GatewayProcess, startGateway } from '../../services/gateway.ts'
import { describeWith } from '../../services/service.ts'
import { bodyOf, statesOf } from './ledger.ts'

const config = `
functions:
  echo: FUNCTIONS/echo/echo.wasm
routes:
  work: { from: ["mqtt:ledger/+", http], to: echo, retry: 0 }
`
/** The sync that fails takes as long as this before it does, as disks do: publishes are in flight meanwhile. */
const STALL_MS = 200

/** Times are milliseconds since the epoch, as those of strace. */
interface Sent {
  readonly id: string
  readonly at: number
  /** Whether the connection stood. */
  readonly connected: boolean
  acknowledgedAt?: number
}

/** Publishes at QoS 1 and posts at a steady pace, whether it is answered or not. */
class Pacer {
  readonly published: Sent[] = []
  readonly posted: Sent[] = []
  readonly #gateway: GatewayProcess
  readonly #client: mqtt.MqttClient
  readonly #timer: NodeJS.Timeout
  readonly #answers: Promise<void>[] = []
  #ticks = 0

  constructor(gateway: GatewayProcess) {
    this.#gateway = gateway
    this.#client = mqtt.connect({ host: '127.0.0.1', port: gateway.mqtt, clientId: 'pacer', reconnectPeriod: 0 })
    this.#client.on('error', () => {})
    this.#timer = setInterval(() => this.#tick(), 1)
  }

  get sent(): readonly Sent[] {
    return [...this.published, ...this.posted]
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#client.end(true)
    await Promise.all(this.#answers)
  }

  #tick(): void {
    this.#publish()
    if (this.#ticks++ % 4 === 0) this.#answers.push(this.#post())
  }

  #publish(): void {
    const sent: Sent = { id: `mqtt-${this.published.length}`, at: Date.now(), connected: this.#client.connected }
    this.published.push(sent)
    this.#client.publish(`ledger/${sent.id}`, bodyOf(sent.id), { qos: 1 }, (error) => {
      if (!error) sent.acknowledgedAt = Date.now()
    })
  }

  async #post(): Promise<void> {
    const sent: Sent = { id: `http-${this.posted.length}`, at: Date.now(), connected: this.#client.connected }
    this.posted.push(sent)
    const response = await fetch(`http://127.0.0.1:${this.#gateway.http}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/cloudevents+json' },
      body: bodyOf(sent.id),
      signal: AbortSignal.timeout(10_000),
    }).catch(() => undefined)
    if (response?.status === 202) sent.acknowledgedAt = Date.now()
    await response?.arrayBuffer().catch(() => undefined)
  }
}

/** When the sync began that was made to fail, by the log of strace. */
function stalledAt(log: string): number {
  const lines = readFileSync(log, 'utf8').split('\n')
  const injected = lines.findIndex((line) => line.includes('INJECTED'))
  // In two lines when another thread came in between: the first one has the beginning.
  const begun = lines.slice(0, injected + 1).findLast((line) => line.includes('fdatasync('))
  return Number(begun?.match(/\d{9,}\.\d+/)?.[0]) * 1_000
}

describeWith(['strace'], 'row 8: a sync fails once', () => {
  // A start syncs a few times by itself.
  test.each([10, 60])('fdatasync number %i: no acknowledgement after it, exit 74, restart 0 lost', async (when) => {
    const folder = mkdtempSync(join(tmpdir(), 'headgate-strace-'))
    const [data, log, flag, under] = ['var', 'log', 'once', 'under'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
      string,
    ]
    // Once: started again, the same command line runs without the fault. Only the journal's file: sessions sync, too.
    const inject = `inject=fdatasync:error=EIO:delay_enter=${STALL_MS * 1_000}:when=${when}`
    const strace = `strace -f -qq -ttt -o ${log} -P ${data}/journal/data.mdb -e trace=fdatasync -e ${inject}`
    const script = `#!/bin/sh\nif [ -e ${flag} ]; then exec "$@"; fi\ntouch ${flag}\nexec ${strace} "$@"\n`
    writeFileSync(under, script, { mode: 0o755 })
    await using gateway = await startGateway({ config, data, under: [under] })
    const pacer = new Pacer(gateway)
    const code = await gateway.exited()
    const ended = Date.now()
    // Those that come when nobody listens any more, too.
    await new Promise((resolve) => setTimeout(resolve, 100))
    await pacer.stop()
    const begun = stalledAt(log)
    const failed = begun + STALL_MS
    const acknowledged = pacer.sent.filter(({ acknowledgedAt }) => acknowledgedAt !== undefined)
    const inFlight = (sent: readonly Sent[]) => sent.filter(({ at }) => at > begun && at <= failed)
    const after = pacer.sent.filter(({ at }) => at > failed)
    await gateway.restart()
    const states = await statesOf(
      gateway,
      acknowledged.map(({ id }) => id),
    )
    const lost = acknowledged.filter(({ id }) => !states.has(id))
    console.log(
      JSON.stringify({
        row: 8,
        when,
        code,
        acknowledged: acknowledged.length,
        lost: lost.length,
        publishedMeanwhile: inFlight(pacer.published).length,
        postedMeanwhile: inFlight(pacer.posted).length,
        after: after.length,
        afterOverOpenSockets: after.filter(({ connected }) => connected).length,
        exitAfterMs: Math.round(ended - failed),
      }),
    )
    rmSync(folder, { recursive: true, force: true })
    expect(code).toBe(74)
    expect(ended - failed).toBeLessThan(1_000)
    expect(gateway.output()).toContain('journal sync failed')
    expect(acknowledged.length).toBeGreaterThan(0)
    expect(inFlight(pacer.published).length).toBeGreaterThan(10)
    expect(inFlight(pacer.posted).length).toBeGreaterThan(5)
    expect(after.length).toBeGreaterThan(10)
    // One transaction at a time: whoever sent while the sync stalled is in this one or a later one.
    expect(acknowledged.filter(({ at }) => at > begun + 1)).toEqual([])
    expect(acknowledged.filter(({ acknowledgedAt = 0 }) => acknowledgedAt > failed)).toEqual([])
    expect(lost).toEqual([])
  })
})
