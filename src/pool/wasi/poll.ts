/** `wasi:io/poll`: waits for the first of some, in the thread or while others run in it. */

import type { Port } from '../port.ts'
import type { Pollable } from './streams.ts'

/** Blocks the thread until one is ready; returns the places of those that are. */
export function poll(pollables: readonly Pollable[]): Uint32Array {
  void earliest(pollables).block()
  return ready(pollables)
}

/** The same for a guest that may wait. */
export async function pollWaiting(pollables: readonly Pollable[], port: Port): Promise<Uint32Array> {
  if (ready(pollables).length === 0) {
    const { leftMs } = earliest(pollables)
    const arriving = pollables.flatMap(({ arrives }) => (arrives ? [arrives] : []))
    await port.first(arriving, leftMs)
  }
  return ready(pollables)
}

const earliest = (pollables: readonly Pollable[]): Pollable =>
  pollables.reduce((first, next) => (next.at < first.at ? next : first))

const ready = (pollables: readonly Pollable[]): Uint32Array =>
  Uint32Array.from(pollables.flatMap((pollable, index) => (pollable.ready() ? [index] : [])))
