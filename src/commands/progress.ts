/** Says how far long work has come, on a terminal: one line that is written over, and gone at the end. */

const EACH_MS = 200
/** Back to the start of the line, and clear it (ECMA-48: CR, EL). */
const BACK = `\r${String.fromCharCode(27)}[K`

export class Progress implements Disposable {
  readonly #on = process.stderr.isTTY
  #last = performance.now()
  #said = false

  /** Says it when something was not said a moment ago; `text` is asked for only then. */
  tell(text: () => string): void {
    const now = performance.now()
    if (!this.#on || now - this.#last < EACH_MS) return
    this.#last = now
    this.#said = true
    process.stderr.write(BACK + text())
  }

  [Symbol.dispose](): void {
    if (this.#said) process.stderr.write(BACK)
  }
}
