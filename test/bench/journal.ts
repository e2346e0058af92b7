/** The `journal` bench: durable appends, and appends claimed and settled, of 1 KiB. One JSON line per setting. */

import { closeSync, fdatasync, mkdtempSync, openSync, rmSync, writev } from 'node:fs'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { openJournal, openMemoryJournal } from '../../src/journal/index.ts'
import type { Entry, Journal } from '../../src/journal/journal.ts'
import { type Figures, keep, medians, result } from './result.ts'

const LANE = { route: 'bench', to: 'sink' }
const DATA = Buffer.alloc(1_024, 'x')
const CONCURRENT = [1, 64, 512]

/** What is measured: appends one entry, and resolves when it is on disk. */
interface Subject extends AsyncDisposable {
  append(entry: Entry): Promise<unknown>
  readonly journal?: Journal
}

let made = 0
const entry = (): Entry => {
  const id = `bench-${made++}`
  const event = { specversion: '1.0', id, source: '/bench', type: 'bench.made', data: DATA } as const
  return { event, origin: { source: 'mqtt', address: 'bench/made' }, callId: `call-${id}`, routes: [LANE] }
}

/** The bare ceiling: a file, appended to and synced for all that wait at once. Nothing is found in it again. */
function openFile(folder: string): Subject {
  const file = openSync(join(folder, 'bare'), 'a')
  const [write, sync] = [promisify(writev), promisify(fdatasync)]
  let waiting: (() => void)[] = []
  let writing = false
  const flush = async (): Promise<void> => {
    writing = true
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      await write(
        file,
        batch.map(() => DATA),
      )
      await sync(file)
      for (const resolve of batch) resolve()
      await new Promise((resolve) => setImmediate(resolve))
    }
    writing = false
  }
  return {
    append: () =>
      new Promise<void>((resolve) => {
        waiting.push(resolve)
        if (!writing) void flush()
      }),
    [Symbol.asyncDispose]: async () => closeSync(file),
  }
}

const ofJournal = (journal: Journal): Subject => ({
  append: (each) => journal.append(each),
  journal,
  [Symbol.asyncDispose]: () => journal[Symbol.asyncDispose](),
})

const SUBJECTS: Readonly<Record<string, (folder: string) => Promise<Subject> | Subject>> = {
  'bare file, group fdatasync': openFile,
  'journal, lmdb': async (path) => ofJournal(await openJournal({ path, retainMs: 86_400_000, maxBytes: 2 ** 36 })),
  'journal in memory': () => ofJournal(openMemoryJournal()),
}

async function consume(journal: Journal, width: number, signal: AbortSignal): Promise<void> {
  const claim = journal.claim(LANE, signal)
  const take = async (): Promise<void> => {
    for (let next = await claim.next(); next.done !== true; next = await claim.next())
      await journal.settle(next.value, { status: 'done' })
  }
  await Promise.all(Array.from({ length: width }, take))
}

/** Appends for a while from so many places at once; with `settle`, what is appended is claimed and settled meanwhile. */
async function measure(subject: Subject, width: number, settle: boolean, ms: number): Promise<Figures> {
  const stop = new AbortController()
  const consumed = settle && subject.journal ? consume(subject.journal, width, stop.signal) : undefined
  const times: number[] = []
  const before = process.cpuUsage()
  const started = performance.now()
  const end = started + ms
  const append = async (): Promise<void> => {
    for (let begun = performance.now(); begun < end; begun = performance.now()) {
      await subject.append(entry())
      times.push(performance.now() - begun)
    }
  }
  await Promise.all(Array.from({ length: width }, append))
  if (settle) while ((subject.journal?.stats().pending ?? 0) > 0) await new Promise((resolve) => setTimeout(resolve, 1))
  const took = performance.now() - started
  const used = process.cpuUsage(before)
  stop.abort()
  await consumed
  times.sort((a, b) => a - b)
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
  const cpu = (used.user + used.system) / 1_000 / took
  return { throughput: (times.length / took) * 1_000, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1), cpu }
}

async function main(args: readonly string[]): Promise<void> {
  const options = {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    quick: { type: 'boolean', default: false },
    discard: { type: 'boolean', default: false },
    folder: { type: 'string', default: process.cwd() },
  } as const
  const { values } = parseArgs({ args: [...args], options })
  const rounds = values.quick ? 1 : Number(values.rounds)
  const ms = (values.quick ? 0.4 : Number(values.seconds)) * 1_000
  const settings = CONCURRENT.flatMap((width) => [false, true].map((settle) => ({ width, settle })))
  const figures = new Map<string, Figures[]>()
  // Interleaved: what else the machine does falls on all subjects alike.
  for (let round = 0; round < rounds; round++) {
    for (const { width, settle } of settings) {
      for (const [name, open] of Object.entries(SUBJECTS)) {
        if (settle && open === openFile) continue
        const folder = mkdtempSync(join(values.folder, 'bench-journal-'))
        try {
          await using subject = await open(folder)
          const label = `${settle ? 'append, claim, settle' : 'append'}, ${width} at once`
          const key = JSON.stringify([name, { label, width, settle, bytes: DATA.length }])
          figures.set(key, [...(figures.get(key) ?? []), await measure(subject, width, settle, ms)])
        } finally {
          rmSync(folder, { recursive: true, force: true })
        }
      }
    }
  }
  const results = [...figures].map(([key, each]) => {
    const [subject, setting] = JSON.parse(key) as [
      string,
      { label: string; width: number; settle: boolean; bytes: number },
    ]
    return result('journal', subject, setting, each)
  })
  for (const line of results) process.stdout.write(`${JSON.stringify({ ...line, ...medians(line.rounds) })}\n`)
  if (!values.discard && !values.quick) keep(results)
}

await main(process.argv.slice(2))
