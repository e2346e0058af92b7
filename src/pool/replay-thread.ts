/** The thread that runs a recorded call again: it can be ended like any other that runs a guest. */

import { parentPort, workerData } from 'node:worker_threads'
import { type Played, type Playing, play, type Told } from './playing.ts'

/** What it says. */
export type Said =
  | { readonly kind: 'told'; readonly told: Told }
  | { readonly kind: 'begun' }
  | { readonly kind: 'played'; readonly played: Played }

// A place in a guest lies below all that its host calls.
Error.stackTraceLimit = 100
process.env = {}
const say = (said: Said) => parentPort?.postMessage(said)
const told = (each: Told) => say({ kind: 'told', told: each })
const played = await play(workerData as Playing, told, () => say({ kind: 'begun' }))
say({ kind: 'played', played })
