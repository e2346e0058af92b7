/** The thread that runs a recorded call again: it can be ended like any other that runs a guest. */

import { parentPort, workerData } from 'node:worker_threads'
import { type Playing, play } from './playing.ts'

// A place in a guest lies below all that its host calls.
Error.stackTraceLimit = 100
process.env = {}
const played = await play(workerData as Playing, (told) => parentPort?.postMessage({ told }))
parentPort?.postMessage({ played })
