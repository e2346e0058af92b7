/** Folders that functions write to in tests: empty ones among the temporary files, in the place of those that they are allowed. */

import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FunctionSpec, Grants } from '../pool/pool.ts'

export class Scratch implements Disposable {
  #root: string | undefined
  readonly #folders = new Set<string>()

  /** The same function, which changes nothing that stays; what it may only read it reads. */
  withFolders(spec: FunctionSpec): FunctionSpec {
    if (!spec.grants?.dirs.some(({ write }) => write)) return spec
    const dirs: Grants['dirs'] = spec.grants.dirs.map((dir) => (dir.write ? { ...dir, host: this.#of(dir.host) } : dir))
    return { ...spec, grants: { ...spec.grants, dirs } }
  }

  /** Empties them: another test begins. */
  clear(): void {
    for (const folder of this.#folders) {
      rmSync(folder, { recursive: true, force: true })
      mkdirSync(folder)
    }
  }

  [Symbol.dispose](): void {
    if (this.#root !== undefined) rmSync(this.#root, { recursive: true, force: true })
    this.#root = undefined
    this.#folders.clear()
  }

  #of(host: string): string {
    this.#root ??= mkdtempSync(join(tmpdir(), 'headgate-check-'))
    const folder = join(this.#root, createHash('sha256').update(host).digest('hex').slice(0, 16))
    mkdirSync(folder, { recursive: true })
    this.#folders.add(folder)
    return folder
  }
}
