/** Runs the child program, keeps what it was promised, and checks a journal against that. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { openJournal, verifyJournal } from '../../../src/journal/index.ts'

const CHILD = new URL('child.ts', import.meta.url).pathname
export const SETTINGS = { retainMs: 86_400_000, maxBytes: 2 ** 30 }
export const LANE = { route: 'ledger', to: 'sink' }

/** A new folder, on the disk that temporary files are on. */
export function newFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'headgate-crash-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly lines: readonly string[]
  readonly errors: string
}

/** A child under way: the ledger gets its lines; `ended` resolves when it is over, however that came. */
export interface Running {
  readonly process: ChildProcess
  readonly lines: readonly string[]
  readonly ended: Promise<Ending>
}

/** Starts the child, under `prefix` (strace and its arguments) when there is one. */
export function startChild(args: readonly (string | number)[], prefix: readonly string[] = []): Running {
  const [command = process.execPath, ...rest] = [...prefix, process.execPath, CHILD, ...args.map(String)]
  // strace counts calls for each thread: with one worker thread, all of LMDB's are in one row.
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' }
  const child = spawn(command, rest, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const output = { text: '', errors: '' }
  const lines: string[] = []
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (output.text + chunk).split('\n')
    output.text = parts.pop() ?? ''
    lines.push(...parts)
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    output.errors += chunk
  })
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, lines, errors: output.errors }))
  return { process: child, lines, ended }
}

/** What children were promised, over any number of runs. */
export class Ledger {
  readonly accepted = new Set<string>()
  readonly settled = new Set<string>()
  readonly delivered = new Set<string>()
  repeated = 0

  add(lines: readonly string[]): void {
    for (const line of lines) {
      const [what, id = ''] = line.split(' ')
      if (what === 'accepted') this.accepted.add(id)
      if (what === 'settled') this.settled.add(id)
      if (what === 'delivered') this.#deliver(id)
    }
  }

  /** Opens the journal, and sees that it holds all that was accepted and hands out all that was not settled. */
  async check(path: string): Promise<{ readonly found: number; readonly readyMs: number }> {
    expect((await verifyJournal(path)).problems).toEqual([])
    const start = performance.now()
    await using journal = await openJournal({ path, ...SETTINGS }, { log: console })
    const readyMs = performance.now() - start
    let found = 0
    for (const id of this.accepted) {
      const record = await journal.find({ callId: `c-${id}` })
      expect(record?.event.id, `"${id}" was acknowledged`).toBe(id)
      const data = Buffer.from(record?.event.data ?? [])
      expect(data.equals(Buffer.alloc(data.length, id)), `the data of "${id}"`).toBe(true)
      found++
    }
    const claim = journal.claim(LANE, new AbortController().signal)
    const handedOut = new Set<string>()
    for (let left = journal.stats().pending; left > 0; left--) {
      const { value } = await claim.next()
      if (value) handedOut.add(value.event.id)
    }
    const both = this.settled.intersection(handedOut)
    expect([...both], 'what was settled is not handed out again').toEqual([])
    const neither = this.accepted.difference(this.settled).difference(handedOut)
    // Settled on disk, and killed before it could be said: delivered then, as nothing else settles.
    expect([...neither.difference(this.delivered)], 'what was not settled is handed out').toEqual([])
    return { found, readyMs }
  }

  figures(more: Readonly<Record<string, number | string>> = {}): string {
    const { accepted, settled, delivered, repeated } = this
    const all = { acknowledged: accepted.size, settled: settled.size, delivered: delivered.size, repeated, ...more }
    return Object.entries(all)
      .map(([name, figure]) => `${name} ${figure}`)
      .join(', ')
  }

  #deliver(id: string): void {
    if (this.delivered.has(id)) this.repeated++
    this.delivered.add(id)
  }
}
