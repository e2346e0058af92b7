/** Bench `idle`: memory and processor time of a gateway to which clients are connected that say nothing. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { atRest, cpuMs, rss } from './child.ts'
import { ECHO, gateway, ORDER_SUMMARY } from './headgate.ts'
import { client, flags } from './load.ts'
import { aedes } from './peers/aedes.ts'
import { mosquitto } from './peers/mosquitto.ts'
import type { Running, Subject } from './peers/subject.ts'
import { type Figures, type Result, result } from './result.ts'
import { type Missing, type Outcome, type Plan, reason } from './rounds.ts'

const CLIENTS = [0, 1000, 5000] as const
const FUNCTIONS = 200

interface Idlers {
  stop(): Promise<void>
}

/** Connects clients that stay and say nothing; resolves once all have their CONNACK. */
async function idlers(count: number, port: number): Promise<Idlers> {
  if (count === 0) return { stop: async () => {} }
  const args = flags({ protocol: 'mqtt', mode: 'idle', clients: count, window: 1 }, port, 600, 0)
  const child = spawn(client(), args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const gone = once(child, 'exit')
  await Promise.race([once(child.stdout, 'data'), gone])
  if (child.exitCode !== null) throw new Error(`${count} idle clients could not connect`)
  const stop = async (): Promise<void> => {
    child.kill()
    await gone
  }
  return { stop }
}

async function watch({ pids }: Running, seconds: number): Promise<Figures> {
  await atRest(pids)
  const before = cpuMs(pids)
  const began = performance.now()
  await sleep(seconds * 1000)
  return { rss: rss(pids), cpu: (cpuMs(pids) - before) / (performance.now() - began) }
}

/** One fresh process: at rest with nobody, then with more and more clients. */
async function whole(subject: Subject, seconds: number): Promise<Map<string, Figures>> {
  const running = await subject.start()
  try {
    const seen = new Map<string, Figures>()
    let empty = 0
    for (const count of CLIENTS) {
      const clients = await idlers(count, running.ports.mqtt ?? 0)
      const figures = await watch(running, seconds)
      await clients.stop()
      seen.set(`${count} clients`, figures)
      if (count === 0) empty = figures.rss ?? 0
      else seen.set(`per client of ${count}`, { rss: ((figures.rss ?? 0) - empty) / count })
    }
    return seen
  } finally {
    await running.stop()
  }
}

/** With functions configured, each of them a copy of `echo`, none called. */
async function loaded(seconds: number): Promise<Map<string, Figures>> {
  const names = Array.from({ length: FUNCTIONS }, (_, i) => [`echo-${i}`, ECHO])
  const running = await gateway('headgate', 'disk', { functions: Object.fromEntries(names) }, true).start()
  try {
    return new Map([[`0 clients, ${FUNCTIONS} functions`, await watch(running, seconds)]])
  } finally {
    await running.stop()
  }
}

type Look = readonly [name: string, look: (seconds: number) => Promise<Map<string, Figures>>]

function looks(): Look[] {
  const config = {
    // 5,000 come at once here, from one program.
    broker: { limits: { connection_rate: 100_000 } },
    functions: { echo: ECHO, 'order-summary': ORDER_SUMMARY },
    routes: { echo: { from: 'mqtt:bench/echo', to: 'echo' } },
  }
  const headgate = gateway('headgate', 'disk', config, true)
  const each = [headgate, aedes, mosquitto].map((subject): Look => [subject.name, (s) => whole(subject, s)])
  return [...each, ['headgate', loaded]]
}

/** Runs the bench: in each round each subject is started anew. */
export async function idle(plan: Plan): Promise<Outcome> {
  const all = new Map<string, { name: string; label: string; rounds: Figures[] }>()
  const missing: Missing[] = []
  for (let round = 0; round < plan.rounds; round++) {
    for (const [name, look] of looks()) {
      try {
        for (const [label, figures] of await look(plan.seconds)) {
          const key = `${name}/${label}`
          const entry = all.get(key) ?? { name, label, rounds: [] }
          entry.rounds.push(figures)
          all.set(key, entry)
        }
      } catch (error) {
        if (!missing.some((one) => one.name === name)) missing.push({ name, why: reason(error) })
      }
    }
  }
  const results = [...all.values()].map(
    ({ name, label, rounds }): Result => result('idle', name, { label, seconds: plan.seconds }, rounds),
  )
  return { results, missing }
}
