/** Bench `recover`: a gateway that was killed with a million due deliveries starts again. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { rss } from './child.ts'
import { dataFolder, freePorts, gatewayReady, launch } from './headgate.ts'
import { type Figures, type Result, result } from './result.ts'
import type { Outcome, Plan } from './rounds.ts'

export const LANE = { route: 'recover', to: 'mqtt:recovered' } as const
const DUE = 1_000_000
/** `--quick` tries the program, not the gateway. */
const DUE_QUICK = 20_000

/** Fills a journal in a process that kills itself with SIGKILL once all is accepted. */
async function fill(path: string, count: number): Promise<void> {
  const file = new URL('./recover.fill.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [file, path, String(count)], { stdio: 'inherit' })
  await once(child, 'exit')
  if (child.signalCode !== 'SIGKILL') throw new Error(`filling the journal ended with exit code ${child.exitCode}`)
}

interface Times {
  readonly ready: Figures
  readonly first: Figures
}

/** Resolves once the gateway has counted a delivery of the lane as done; rejects after two minutes. */
async function firstDelivery(admin: number): Promise<void> {
  const deadline = Date.now() + 120_000
  for (;;) {
    const metrics = await fetch(`http://127.0.0.1:${admin}/metrics`).then((response) => response.text())
    if (/^headgate_deliveries_total\{[^}]*outcome="done"[^}]*\} [1-9]/m.test(metrics)) return
    if (Date.now() > deadline) throw new Error('nothing was delivered within two minutes')
    await sleep(10)
  }
}

async function restart(count: number): Promise<Times> {
  const data = dataFolder('disk')
  try {
    await fill(`${data.path}/journal`, count)
    const ports = await freePorts()
    const began = performance.now()
    const child = await launch(data.path, ports, { routes: { [LANE.route]: { from: 'mqtt:recover', to: LANE.to } } })
    try {
      // Deliveries may begin before the gateway says that it is ready.
      const first = firstDelivery(ports.admin).then(() => performance.now() - began)
      await gatewayReady(ports.admin)
      const ready = performance.now() - began
      const after = Math.max(0, (await first) - ready)
      return { ready: { elapsed: ready, rss: rss([child.pid]) }, first: { elapsed: after } }
    } finally {
      await child.stop('SIGKILL')
    }
  } finally {
    data.remove()
  }
}

/** Runs the bench; each round fills a journal anew, which takes longer than what is measured. */
export async function recover(plan: Plan): Promise<Outcome> {
  const due = plan.seconds <= 1 ? DUE_QUICK : DUE
  const rounds: Times[] = []
  for (let round = 0; round < plan.rounds; round++) rounds.push(await restart(due))
  const of = (label: string, figures: readonly Figures[]): Result =>
    result('recover', 'headgate', { label, due }, figures)
  const results = [
    of(
      'ready',
      rounds.map(({ ready }) => ready),
    ),
    of(
      'first delivery after ready',
      rounds.map(({ first }) => first),
    ),
  ]
  return { results, missing: [] }
}
