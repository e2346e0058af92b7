/** What sources tell of their upstreams, as Prometheus reads it. */

import { expect, test } from 'vitest'
import { Standings } from './standings.ts'

const lines = (standings: Standings): string[] =>
  standings
    .render()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))

test('each figure that was told is a line; what is told later changes no other', () => {
  const standings = new Standings(() => 10_000)
  const meter = standings.meter('jobs')
  meter.stands({ lag: 7, inFlight: 2, oldest: 4_000 })
  meter.stands({ inFlight: 3 })
  meter.troubled()
  meter.troubled()
  meter.reconnected()
  expect(lines(standings)).toEqual([
    'headgate_source_lag_messages{source="jobs"} 7',
    'headgate_source_oldest_message_seconds{source="jobs"} 6',
    'headgate_source_in_flight{source="jobs"} 3',
    'headgate_source_errors_total{source="jobs"} 2',
    'headgate_source_last_error_timestamp_seconds{source="jobs"} 10',
    'headgate_source_reconnects_total{source="jobs"} 1',
  ])
})

test('nothing waits: the oldest message has no age, and a source that has stopped has no figures', () => {
  const standings = new Standings(() => 10_000)
  const meter = standings.meter('changes')
  meter.stands({ oldest: null, lagBytes: 0 })
  expect(lines(standings)).toEqual([
    'headgate_source_lag_bytes{source="changes"} 0',
    'headgate_source_oldest_message_seconds{source="changes"} 0',
  ])
  meter.ended()
  expect(lines(standings)).toEqual([])
})
