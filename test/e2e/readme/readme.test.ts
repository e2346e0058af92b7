/** Runs every command of README.md and of functions/README.md as written, in order, and compares what it shows. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { ROOT } from '../../services/gateway.ts'
import { describeWith, type ServiceName } from '../../services/service.ts'
import { type Block, masked, readBlocks } from './blocks.ts'
import { Machine } from './terminal.ts'

let machine: Machine
beforeAll(async () => {
  machine = await Machine.open()
})
afterAll(() => machine[Symbol.asyncDispose]())

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')

const needs = ({ script }: Block): readonly ServiceName[] => [
  ...(/\bmosquitto_/.test(script) ? (['mosquitto_pub'] as const) : []),
  ...(/\bcurl\b/.test(script) ? (['curl'] as const) : []),
]

async function type({ script, shown }: Block): Promise<void> {
  if (machine.lasts(script)) return machine.leave(script)
  const { code, output } = await machine.run(script)
  if (shown === undefined) expect(code, output).toBe(0)
  else expect(masked(output), output).toEqual(masked(shown))
}

/** What a terminal that was left open has to show by the end: these lines, in this order, perhaps with others between. */
async function shows({ script, shown = '' }: Block): Promise<void> {
  const wanted = masked(shown)
  const lines = () => masked(machine.output(script))
  const inOrder = () => lines().reduce((next, line) => (line === wanted[next] ? next + 1 : next), 0) === wanted.length
  await eventually(inOrder, { what: `"${script}" shows its lines`, detail: () => machine.output(script) })
}

const title = ({ heading, line }: Block): string => `line ${line}, ${heading}`

function run(block: Block): void {
  const wants = needs(block)
  const body = () => test(title(block), { timeout: 300_000 }, () => type(block))
  if (wants.length === 0) body()
  else describeWith(wants, `README: ${title(block)}`, body)
}

const tour = readBlocks(read('README.md'))
const functions = readBlocks(read('functions/README.md'))

describe('README.md', () => {
  for (const block of tour) run(block)
})

describe('functions/README.md', () => {
  test('the gateway of the example runs', { timeout: 300_000 }, () => machine.leave('npm start'))
  for (const block of functions) run(block)
})

describeWith(['mosquitto_pub'], 'README: what was left open', () => {
  for (const block of tour.filter(({ script, shown }) => shown !== undefined && /tail/.test(script)))
    test(title(block), () => shows(block))
})

test('the first command starts it, and the second is the gate', () => {
  expect(tour[0]?.script).toBe('npm ci && npm start')
  expect(read('README.md')).toMatch(/```text\nnpm run verify\n```/)
  expect(read('.ci/run')).toMatch(/^npm run verify$/m)
})

test('every script of package.json that is named is there, and every file that is linked', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  for (const file of ['README.md', 'functions/README.md', 'src/README.md']) {
    for (const [, name = ''] of read(file).matchAll(/npm run ([\w:-]+)/g)) expect(Object.keys(scripts)).toContain(name)
    const links = [...read(file).matchAll(/\]\((?!https?:|#)([^)#]+)\)/g)].map(([, path = '']) => path)
    expect(links.filter((path) => !existsSync(join(ROOT, file, '..', path)))).toEqual([])
  }
})
