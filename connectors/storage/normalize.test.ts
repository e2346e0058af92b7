/** Golden: a notification in, its changes out; and the events of files. */

import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { validateEvent } from '#connector'
import { type Change, fileChange, isWanted, readNotification, withData } from './normalize.ts'

interface Fixture {
  readonly body: string
  readonly changes: readonly Omit<Change, 'version'>[] | null
}

const files = globSync(join(import.meta.dirname, 'fixtures/*.json'))

test.each(files.map((file) => [basename(file), file]))('%s', (_, file) => {
  const { body, changes } = JSON.parse(readFileSync(file, 'utf8')) as Fixture
  const read = readNotification(body)
  const shown = read?.map(({ version: _version, event: { data: _data, ...event }, ...change }) => ({
    ...change,
    event,
  }))
  expect(shown ?? null).toEqual(changes)
  for (const { event, key } of read ?? []) {
    expect(validateEvent(event)).toEqual([])
    expect(JSON.parse(`${event.data}`)).toHaveProperty(event.id.startsWith('N4N7') ? 'object' : 's3.object')
    expect(key).not.toBe('')
  }
})

test('a file is the same event for as long as it is the same, and says where it lies', () => {
  const seen = { path: 'in/ä b.txt', stamp: '7-1769860800123456789-5' }
  const { event } = fileChange('created', seen, 'up loads', '/data')
  expect(event).toEqual({
    specversion: '1.0',
    id: 'in/%C3%A4%20b.txt#7-1769860800123456789-5',
    source: '/storage/up%20loads',
    type: 'headgate.storage.created',
    subject: 'in/ä b.txt',
    time: '2026-01-31T12:00:00.123Z',
    datacontenttype: 'application/json',
    extensions: { dataref: 'file:///data/in/%C3%A4%20b.txt' },
    data: Buffer.from('{"path":"in/ä b.txt","size":5,"mtime":"2026-01-31T12:00:00.123Z"}'),
  })
  const gone = fileChange('deleted', seen, 'up loads', '/data').event
  expect(gone).toMatchObject({ type: 'headgate.storage.deleted', id: `${event.id}-deleted` })
  expect([...validateEvent(event), ...validateEvent(gone)]).toEqual([])
})

test('a name that no attribute may hold is written with escapes', () => {
  const { event } = fileChange('created', { path: 'a\nb', stamp: '1-2-3' }, 'n', '/d')
  expect(event.subject).toBe('a%0Ab')
  expect(validateEvent(event)).toEqual([])
})

test('what was fetched is the data, under the type that it says it has when that is one', () => {
  const change = fileChange('created', { path: 'a', stamp: '1-2-3' }, 'n', '/d')
  const data = Uint8Array.of(0xff)
  expect(withData(change, data)).toMatchObject({ data, datacontenttype: 'application/octet-stream' })
  expect(withData(change, data, 'image/png')).toMatchObject({ data, datacontenttype: 'image/png' })
  expect(withData(change, data, 'nonsense')).toMatchObject({ datacontenttype: 'application/octet-stream' })
  const named = fileChange('created', { path: 'in/a.JSON', stamp: '1-2-3' }, 'n', '/d')
  expect(withData(named, data)).toMatchObject({ datacontenttype: 'application/json' })
  expect(withData(named, data, 'binary/octet-stream')).toMatchObject({ datacontenttype: 'application/json' })
  expect(withData(named, data, 'text/plain')).toMatchObject({ datacontenttype: 'text/plain' })
})

test('prefixes and suffixes are alternatives, and both must hold', () => {
  const wishes = { events: ['created'], prefix: ['in/', 'up/'], suffix: ['.jpg', '.png'] }
  const wanted = (key: string, kind: Change['kind'] = 'created') => isWanted({ key, kind }, wishes)
  expect(['in/a.jpg', 'up/b.png'].every((key) => wanted(key))).toBe(true)
  expect(['in/a.gif', 'out/a.jpg', 'a.jpg'].some((key) => wanted(key))).toBe(false)
  expect(wanted('in/a.jpg', 'deleted')).toBe(false)
})
