/** The report of journal verify. */

import { expect, test } from 'vitest'
import { reportLines } from './journal.ts'
import { plain } from './terminal.ts'

const report = { path: 'var/journal', format: 1, events: 2, pending: 1, dead: 0, problems: [] }

test('a sound journal is one line', () => {
  expect(reportLines(report, plain)).toEqual([
    'sound: var/journal holds 2 events, 1 delivery to be made, 0 dead letters; every checksum fits',
  ])
})

test('a damaged one names each place, and no more of them than a person reads', () => {
  const problems = Array.from({ length: 103 }, (_, at) => ({
    place: `event ${at}`,
    problem: 'its checksum does not fit',
  }))
  const lines = reportLines({ ...report, problems }, plain)
  expect(lines[0]).toContain('and 103 problems')
  expect(lines[1]).toBe('  event 0: its checksum does not fit')
  expect(lines).toHaveLength(102)
  expect(lines.at(-1)).toBe('  and 3 more; --json lists all')
})
