/** Program: flips one bit of a copy of a journal, again and again, and says what became of each. */

import { mkdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { openJournal, verifyJournal } from '../../../src/journal/index.ts'
import { LANE, SETTINGS } from './ledger.ts'

const [sound = '', from = '0', count = '1', events = '0'] = process.argv.slice(2)
const tell = (line: string): void => void writeSync(1, `${line}\n`)

/** mulberry32: the same positions each time. */
function random(seed: number): number {
  let t = (seed + 0x6d2b79f5) | 0
  t = Math.imul(t ^ (t >>> 15), t | 1)
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

function flip(path: string, index: number): void {
  const bytes = readFileSync(join(sound, 'data.mdb'))
  const position = Math.floor(random(index * 2) * bytes.length)
  bytes[position] = (bytes[position] ?? 0) ^ (1 << Math.floor(random(index * 2 + 1) * 8))
  writeFileSync(join(path, 'data.mdb'), bytes)
}

/** Whether every event is there with its bytes, the settled half settled and the other half handed out. */
async function asWritten(path: string): Promise<boolean> {
  await using journal = await openJournal({ path, ...SETTINGS })
  if (journal.stats().quarantined) throw new Error('quarantined')
  let right = true
  for (let n = 0; n < Number(events); n++) {
    const record = await journal.find({ callId: `c-${n}` })
    const data = Buffer.from(record?.event.data ?? [])
    right &&= data.length > 0 && data.equals(Buffer.alloc(data.length, `e-${n}`))
  }
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), 50)
  const claim = journal.claim(LANE, controller.signal)
  const handedOut: string[] = []
  for await (const { event } of claim) {
    handedOut.push(event.id)
    if (handedOut.length === Number(events) / 2) break
  }
  clearTimeout(timer)
  right &&= handedOut.length === Number(events) / 2 && handedOut.every((id) => Number(id.slice(2)) % 2 === 1)
  if (journal.stats().quarantined) throw new Error('quarantined')
  return right
}

async function outcome(path: string): Promise<string> {
  try {
    if (await asWritten(path)) return 'harmless'
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    return error instanceof Error && error.message === 'quarantined' ? 'quarantined' : `refused ${code}`
  }
  try {
    const { problems } = await verifyJournal(path)
    return problems.length > 0 ? 'verified' : 'silent'
  } catch {
    return 'verified'
  }
}

const path = join(sound, 'flipped')
for (let index = Number(from); index < Number(count); index++) {
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path)
  flip(path, index)
  tell(`at ${index}`)
  tell(`${index} ${await outcome(path)}`)
}
process.exit(0)
