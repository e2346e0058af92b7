/** Golden: a tick in, its event out. */

import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import type { CloudEvent } from '#connector'
import { normalize, type Tick } from './normalize.ts'

interface Fixture {
  readonly tick: Tick
  readonly event: Omit<CloudEvent, 'data'> & { readonly data?: string }
}

const files = globSync(join(import.meta.dirname, 'fixtures/*.json'))

test.each(files.map((file) => [basename(file), file]))('%s', (_, file) => {
  const { tick, event } = JSON.parse(readFileSync(file, 'utf8')) as Fixture
  const { data, ...attributes } = normalize(tick)
  expect({ ...attributes, ...(data && { data: Buffer.from(data).toString() }) }).toEqual(event)
})

test('a slot gets the same id each time', () => {
  const tick = { name: 'nightly', slot: 1_774_751_400_000 }
  expect(normalize(tick)).toEqual(normalize(tick))
})
