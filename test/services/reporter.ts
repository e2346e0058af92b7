/** Prints, after everything else, the suites that did not run and the line that installs what they want. */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Reporter } from 'vitest/node'

export default class NotRunReporter implements Reporter {
  readonly #folder = mkdtempSync(join(tmpdir(), 'headgate-tests-'))
  readonly #file = join(this.#folder, 'not-run')

  onInit(): void {
    process.env['HEADGATE_NOT_RUN'] = this.#file
  }

  onTestRunEnd(): void {
    const lines = existsSync(this.#file) ? [...new Set(readFileSync(this.#file, 'utf8').trim().split('\n'))] : []
    rmSync(this.#folder, { recursive: true, force: true })
    if (lines.length === 0) return
    console.log(`\nNot run, for want of a program (${lines.length}):`)
    for (const line of lines) console.log(`  ${line.replace('\t', '\n    install ')}`)
  }
}
