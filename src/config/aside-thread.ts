/** The thread that loads a configuration: reads and checks it, and hands it over piece by piece. */

import { parentPort, workerData } from 'node:worker_threads'
import type { Connector } from '../connector/connector.ts'
import { GatewayError } from '../errors.ts'
import type { AsidePiece, AsideTask } from './aside.ts'
import type { Config } from './config.ts'
import { loadConfig } from './load.ts'
import { ConfigError } from './problem.ts'
import type { Seen } from './seen.ts'

/** Routes of one piece: they are read in some 5 ms. */
const PIECE = 500

async function* load({ path, connectorsAt, functions }: AsideTask): AsyncGenerator<AsidePiece> {
  const notes: string[] = []
  const seen: Seen = new Map()
  try {
    const { connectors } = (await import(connectorsAt)) as { readonly connectors: readonly Connector[] }
    const note = (text: string): void => void notes.push(text)
    const config = await loadConfig(path, { connectors, note, seen, ...(functions === undefined ? {} : { functions }) })
    yield { kind: 'seen', seen }
    yield* piecesOf(config, notes)
  } catch (error) {
    yield { kind: 'seen', seen }
    yield error instanceof ConfigError
      ? { kind: 'wrong', problems: error.problems, more: error.more }
      : {
          kind: 'failed',
          code: error instanceof GatewayError ? error.code : undefined,
          message: error instanceof Error ? error.message : String(error),
        }
  }
}

function* piecesOf(config: Config, notes: readonly string[]): Generator<AsidePiece> {
  for (let at = 0; at < config.routes.length; at += PIECE)
    yield { kind: 'routes', routes: config.routes.slice(at, at + PIECE) }
  const shown = Object.entries(config.expanded['routes'] ?? {})
  for (let at = 0; at < shown.length; at += PIECE)
    yield { kind: 'shown', routes: Object.fromEntries(shown.slice(at, at + PIECE)) }
  const expanded = 'routes' in config.expanded ? { ...config.expanded, routes: {} } : config.expanded
  yield { kind: 'rest', config: { ...config, routes: [], expanded }, notes }
}

const pieces = load(workerData as AsideTask)
parentPort?.on('message', () => void pieces.next().then(({ value }) => parentPort?.postMessage(value)))
