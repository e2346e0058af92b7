/** Loads a large configuration in a thread of its own: reading ten thousand routes takes seconds, and others are served meanwhile. */

import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type ErrorCode, GatewayError } from '../errors.ts'
import type { Config } from './config.ts'
import type { LoadOptions } from './load.ts'
import { ConfigError, type Problem } from './problem.ts'
import type { Seen } from './seen.ts'

/** What the thread is given. */
export interface AsideTask {
  readonly path: string
  /** The URL of the module that exports `connectors`: they are code, which does not cross to a thread. */
  readonly connectorsAt: string
  readonly functions?: string
}

/** What comes of it, piece by piece, each when it is asked for: read at once, they would hold up the loop as well. */
export type AsidePiece =
  /** Comes before all others, and when something is wrong, too. */
  | { readonly kind: 'seen'; readonly seen: Seen }
  | { readonly kind: 'routes'; readonly routes: Config['routes'] }
  | { readonly kind: 'shown'; readonly routes: Readonly<Record<string, unknown>> }
  /** The last: all but the routes. */
  | { readonly kind: 'rest'; readonly config: Config; readonly notes: readonly string[] }
  | { readonly kind: 'wrong'; readonly problems: readonly Problem[]; readonly more: readonly string[] }
  | { readonly kind: 'failed'; readonly code: ErrorCode | undefined; readonly message: string }

/** A file as large as this is read in some 100 ms. Bytes. */
const LARGE = 64 * 1_024

/** Whether it is better loaded aside. */
export async function isLarge(path: string): Promise<boolean> {
  const names = await readdir(path).catch(() => undefined)
  const files = names ? names.filter((name) => /\.ya?ml$/.test(name)).map((name) => join(path, name)) : [path]
  const sizes = await Promise.all(
    files.map((file) =>
      stat(file).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0) >= LARGE
}

/** Like `loadConfig`, in a thread. Rejects with the same. */
export async function loadAside(path: string, connectorsAt: string, options: LoadOptions): Promise<Config> {
  const { functions } = options
  const task: AsideTask = { path, connectorsAt, ...(functions === undefined ? {} : { functions }) }
  const url = JSON.stringify(new URL('aside-thread.ts', import.meta.url).href)
  // The compile cache keeps the stripped types. None of the host's flags: test runners add loaders.
  const boot = `require('node:module').enableCompileCache(); import(${url})`
  const thread = new Worker(boot, { eval: true, workerData: task, execArgv: [] })
  try {
    return await collect(thread, options)
  } finally {
    await thread.terminate()
  }
}

async function collect(thread: Worker, { note, seen }: LoadOptions): Promise<Config> {
  const routes: Config['routes'][number][] = []
  const shown: Record<string, unknown> = {}
  for (;;) {
    const piece = await next(thread)
    if (piece.kind === 'wrong') throw new ConfigError(piece.problems, piece.more)
    if (piece.kind === 'failed')
      throw piece.code ? new GatewayError(piece.code, piece.message) : new Error(piece.message)
    if (piece.kind === 'seen') for (const [path, state] of piece.seen) seen?.set(path, state)
    else if (piece.kind === 'routes') for (const route of piece.routes) routes.push(route)
    else if (piece.kind === 'shown') Object.assign(shown, piece.routes)
    else {
      for (const text of piece.notes) note?.(text)
      const { config } = piece
      const expanded = 'routes' in config.expanded ? { ...config.expanded, routes: shown } : config.expanded
      return { ...config, routes, expanded }
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function next(thread: Worker): Promise<AsidePiece> {
  return new Promise((resolve, reject) => {
    thread.removeAllListeners('message').removeAllListeners('error')
    thread.once('message', resolve).once('error', reject)
    thread.postMessage('next')
  })
}
