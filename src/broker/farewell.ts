/** How the broker parts from its clients when it stops: what they were sent is acknowledged first, and they are told why. */

import type { Duplex } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type { Seat } from './seat.ts'

/**
 * Waits until each client has acknowledged what it was sent and has its answers, for a second at most: what is cut off
 * comes again with DUP. Then ends the connections; resolves once they are closed. A client that is frozen is cut.
 */
export async function farewell(seats: ReadonlyMap<Duplex, Seat>): Promise<void> {
  await until(() => [...seats.values()].filter(isBusy).length === 0, ACKNOWLEDGE_MS)
  for (const { client, connection } of seats.values()) {
    if (client.connackSent) connection.finish(SERVER_SHUTTING_DOWN)
    else connection.stream.destroy()
  }
  await until(() => seats.size === 0, CLOSE_MS)
  for (const { connection } of seats.values()) connection.stream.destroy()
}

/** Each one is asked, also when another is busy: from then on it is sent nothing more of its session's queue. */
const isBusy = ({ lane, outbound }: Seat): boolean => outbound?.finish() === false || lane?.busy === true

async function until(check: () => boolean, limitMs: number): Promise<void> {
  const end = performance.now() + limitMs
  while (!check() && performance.now() < end) await wait(LOOK_MS)
}

const ACKNOWLEDGE_MS = 1_000
const CLOSE_MS = 500
const LOOK_MS = 5

/** MQTT 5 reason code. */
const SERVER_SHUTTING_DOWN = 0x8b
