/** The folders that a function is allowed, in one instance of it. What a call opens is closed when the call ends. */

import type { DirGrant } from '../grants.ts'
import { OPEN_FILES } from '../limits.ts'
import type { Senses } from '../wasi/senses.ts'
import { FileBudget } from './budget.ts'
import { FileError } from './file-error.ts'
import { type Closable, Folder, type Opened } from './folder.ts'
import { HostFolder } from './host-folder.ts'
import { ToldFolder } from './told.ts'

export class Files implements Opened {
  readonly budget = new FileBudget()
  /**
   * Those that it begins with. All else is below one at `/` in which there is nothing: so that what is asked for there is
   * refused by its name, and told.
   */
  readonly roots: readonly Folder[]
  readonly #open = new Set<Closable>()

  /** What they tell comes by the `senses`, when there are some. */
  constructor(grants: readonly DirGrant[], senses?: Senses) {
    const roots = grants.map((grant) => new Folder(grant.guest, grant, this.#opening(grant), this))
    const whole = grants.some(({ guest }) => guest === '/')
    const all = whole ? roots : [...roots, new Folder('/', undefined, nothing, this)]
    this.roots = senses ? all.map((root) => new ToldFolder(root.guest, root.writable, root, senses)) : all
  }

  keep(open: Closable): void {
    this.#open.add(open)
    // A call may open and close one after the other for as long as it runs.
    if (this.#open.size > 4 * OPEN_FILES) for (const each of this.#open) if (each.closed) this.#open.delete(each)
  }

  /** A call ends. */
  close(): void {
    for (const open of this.#open) open.close()
    this.#open.clear()
    this.budget.reset()
  }

  /** Opens the folder once a call: it may be another one by the next. */
  #opening({ host }: DirGrant): () => HostFolder {
    let held: HostFolder | undefined
    return () => {
      if (held) return held
      const opened = HostFolder.open(host)
      held = opened
      this.keep({
        closed: false,
        close: () => {
          held = undefined
          opened.close()
        },
      })
      return opened
    }
  }
}

const nothing = (): never => {
  throw new FileError('ENOENT')
}
