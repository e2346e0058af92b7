/** Prints, after everything else, the suites that did not run with the line that installs what they want, and the count. */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Reporter, TestModule } from 'vitest/node'

export default class ClosingReporter implements Reporter {
  readonly #folder = mkdtempSync(join(tmpdir(), 'headgate-tests-'))
  readonly #file = join(this.#folder, 'not-run')

  onInit(): void {
    process.env['HEADGATE_NOT_RUN'] = this.#file
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const lines = existsSync(this.#file) ? [...new Set(readFileSync(this.#file, 'utf8').trim().split('\n'))] : []
    rmSync(this.#folder, { recursive: true, force: true })
    if (lines.length > 0) console.log(`\nNot run, for want of a program (${lines.length}):`)
    for (const line of lines) console.log(`  ${line.replace('\t', '\n    install ')}`)
    const second = modules.flatMap((module) =>
      [...module.children.allTests()].filter((test) => test.diagnostic()?.flaky),
    )
    if (second.length > 0) console.log(`\nPassed at the second try alone (${second.length}):`)
    for (const test of second) {
      console.log(`  ${test.module.relativeModuleId} > ${test.fullName}`)
      for (const { message } of test.result().errors ?? []) console.log(`    ${message.split('\n', 3).join(' | ')}`)
    }
    console.log(`\n${count(modules, errors)}`)
  }
}

function count(modules: readonly TestModule[], errors: readonly unknown[]): string {
  const total = { passed: 0, failed: errors.length, skipped: 0, pending: 0 }
  for (const module of modules) {
    for (const test of module.children.allTests()) total[test.result().state] += 1
    if (module.errors().length > 0) total.failed += 1
  }
  return `${total.passed} passed, ${total.failed} failed, ${total.skipped + total.pending} skipped`
}
