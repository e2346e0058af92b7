/** Ports for what a test starts: no connection is given one of them by chance, and no file that runs beside takes one. */

import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below what Linux gives to outgoing connections (32768 and up), above what programs listen on as they come. */
const FIRST = 20_000
const LAST = 32_000
/** A file takes the ports of its worker alone: what one has found free, another may not find before it is listened on. */
const LANES = 4
const lane = Number(process.env['VITEST_POOL_ID'] ?? 0) % LANES
const COUNT = (LAST - FIRST) / LANES
// Not where the file before has begun, whose connections may linger, nor another run on this machine.
let next = Math.floor(Math.random() * COUNT)

/** A port of the loopback interface that nothing listened on a moment ago; no caller of this file's process gets it again. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < COUNT; tried += 1) {
    const port = FIRST + (next++ % COUNT) * LANES + lane
    if (await isFree(port)) return port
  }
  throw new Error('no port is free')
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
