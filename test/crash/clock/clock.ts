/** The clock of a child process, set while it runs: libfaketime reads an offset from a file. */

import { globSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GatewayProcess } from '../../services/gateway.ts'

export const HOUR = 3_600_000

export class SetClock implements Disposable {
  /** What a process needs in its environment to live by this clock. Its monotonic clock is real, as a machine's is. */
  readonly env: Readonly<Record<string, string>>
  readonly #folder = mkdtempSync(join(tmpdir(), 'headgate-clock-'))
  #offset = 0

  constructor(offset = 0) {
    const [library = ''] = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1')
    this.env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: join(this.#folder, 'offset'),
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    }
    this.set(offset)
  }

  /** Sets it so far ahead of the real time, in milliseconds; back when it is less than before. */
  set(offset: number): void {
    this.#offset = Math.round(offset / 1_000) * 1_000
    const next = join(this.#folder, 'next')
    writeFileSync(next, `${this.#offset < 0 ? '-' : '+'}${Math.abs(this.#offset / 1_000)}s\n`)
    renameSync(next, join(this.#folder, 'offset'))
  }

  /** Sets it to this time. */
  setTo(time: number): void {
    this.set(time - Date.now())
  }

  /** Milliseconds since the epoch, as its processes see them. */
  now(): number {
    return Date.now() + this.#offset
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Milliseconds of processor time that a process has used, of 10 each. */
export function usedMs({ pid }: GatewayProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}
