/** What is measured: something that can be started, listens on ports of 127.0.0.1, and is ended. */

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { NotRun } from '../load.ts'

export type Protocol = 'mqtt' | 'http' | 'nats'

export interface Running {
  readonly ports: Readonly<Partial<Record<Protocol | 'admin', number>>>
  /** Every process whose memory and time count as the subject's. */
  readonly pids: readonly number[]
  /** Ends all of it and removes its files; safe to call twice. */
  stop(): Promise<void>
}

export interface Subject {
  readonly name: string
  /** Resolves when it listens. Rejects with NotRun when something is missing on this machine. */
  start(): Promise<Running>
}

const CACHE = new URL('../../.cache/', import.meta.url).pathname

/** Throws NotRun with the line that installs a program, unless it is there. */
export function need(program: string, install: string): void {
  if (spawnSync(program, ['-h'], { stdio: 'ignore' }).error) throw new NotRun(`${program} is not here: ${install}`)
}

export interface Folder {
  readonly path: string
  /** Also done when the process exits. */
  remove(): void
}

/** A new folder inside `parent`. */
export function folderIn(parent: string, name: string): Folder {
  mkdirSync(parent, { recursive: true })
  const path = mkdtempSync(`${parent}/${name}-`)
  const remove = (): void => {
    process.off('exit', remove)
    rmSync(path, { recursive: true, force: true, maxRetries: 3 })
  }
  process.on('exit', remove)
  return { path, remove }
}

/** A new folder on the disk of the repository: memory file systems would flatter what writes. */
export function scratch(name: string): Folder {
  return folderIn(`${CACHE}run`, name)
}

/** The path of a program that lies beside this file. */
export function program(file: string): string {
  return new URL(`./${file}`, import.meta.url).pathname
}
