/** Runs every command of connectors/README.md as written, in a copy of the repository: a folder is copied, and is a connector. */

import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROOT } from '../../services/gateway.ts'
import { masked, readBlocks } from './blocks.ts'
import { Machine } from './terminal.ts'

let machine: Machine
beforeAll(async () => {
  machine = await Machine.open()
  symlinkSync(join(ROOT, 'node_modules'), join(machine.repository, 'node_modules'))
})
afterAll(() => machine[Symbol.asyncDispose]())

const read = (file: string): string => readFileSync(join(machine.repository, file), 'utf8')

test.each(
  readBlocks(readFileSync(join(ROOT, 'connectors/README.md'), 'utf8')).map(
    (block) => [`line ${block.line}`, block] as const,
  ),
)('%s', async (_, { script, shown }) => {
  const { code, output } = await machine.run(script)
  expect(code, output).toBe(0)
  if (shown !== undefined) expect(masked(output), output).toEqual(masked(shown))
})

test('the copy is in the list, the schema, the reference, and has a README with its options', () => {
  expect(read('connectors/index.ts')).toContain("import tide from './tide/index.ts'")
  const schema = JSON.parse(read('config/schema.json'))
  const { tide, cron } = schema.properties.sources.additionalProperties.properties
  expect(Object.keys(tide.properties)).toEqual(Object.keys(cron.properties))
  expect(read('config/REFERENCE.md')).toContain('tide')
  expect(read('connectors/tide/README.md')).toMatch(/^# Tide\n[\s\S]*\| `schedule` /)
})

test('nothing else has to be written by hand: what is generated is whole, and the rules of the layout hold', async () => {
  const { code, output } = await machine.run(
    'npm run generated && npx vitest run --project unit test/architecture.test.ts -t connector',
  )
  expect(code, output).toBe(0)
})

test('a copy that keeps the type of its model is refused by name', async () => {
  const { code, output } = await machine.run('cp -r connectors/tide connectors/ebb-tide && npm run generate')
  expect(code).toBe(1)
  expect(output).toContain('connectors/ebb-tide and connectors/tide are both of type "tide"')
})
