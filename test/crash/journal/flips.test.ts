/** Row 6: a bit flips on disk. Whatever it hits, the journal never takes it for what was written. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { newFolder } from './ledger.ts'
import { makeSoundJournal } from './sound.ts'

const POSITIONS = 1_000
const EVENTS = 40
const PROGRAM = new URL('flips.ts', import.meta.url).pathname

/** Runs the program from a position on; resolves with its lines when it ends, or stops saying anything. */
async function run(path: string, from: number): Promise<string[]> {
  const child = spawn(process.execPath, [PROGRAM, path, String(from), String(POSITIONS), String(EVENTS)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let output = ''
  let watchdog = setTimeout(() => child.kill('SIGKILL'), 20_000)
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
    clearTimeout(watchdog)
    watchdog = setTimeout(() => child.kill('SIGKILL'), 20_000)
  })
  await once(child, 'close')
  clearTimeout(watchdog)
  return output.trim().split('\n')
}

test(`${POSITIONS} bit flips: refused, quarantined, or without effect; never silent`, async () => {
  using folder = newFolder()
  await makeSoundJournal(folder.path, EVENTS)
  const outcomes = new Map<string, number>()
  const count = (outcome: string): unknown => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  let next = 0
  while (next < POSITIONS) {
    const lines = await run(folder.path, next)
    const begun = lines.filter((line) => line.startsWith('at ')).length
    const done = lines.filter((line) => /^\d/.test(line))
    for (const line of done) count(line.slice(line.indexOf(' ') + 1))
    expect(begun, 'the program gets on').toBeGreaterThan(0)
    // The process died of what it read: nobody takes that for a journal that is fine.
    if (begun > done.length) count('ended the process')
    next += begun
  }
  console.log(`bit flips x ${POSITIONS}: ${[...outcomes].flat().join(' ')}`)
  expect(outcomes.get('silent')).toBe(undefined)
  expect(outcomes.get('verified'), 'wrong at run time, and only verify sees it').toBe(undefined)
  expect(outcomes.get('quarantined') ?? 0, 'flips do hit what is stored').toBeGreaterThan(POSITIONS / 20)
})
