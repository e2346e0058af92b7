/** Paths of the HTTP face that sources have taken for what is posted to them. */

import type { Hook, HookPort } from '../connector/connector.ts'
import { GatewayError } from '../errors.ts'

export class Hooks implements HookPort {
  readonly #hooks = new Map<string, Hook>()

  /** Ends with the function returned. Throws CONFIG_INVALID when another source has the path. */
  take(path: string, hook: Hook): () => void {
    if (this.#hooks.has(path)) {
      const why = `another source takes "${path}" already; give each its own path`
      throw new GatewayError('CONFIG_INVALID', `http (hook): taking a path: ${why}`)
    }
    this.#hooks.set(path, hook)
    return () => {
      if (this.#hooks.get(path) === hook) this.#hooks.delete(path)
    }
  }

  find(path: string): Hook | undefined {
    return this.#hooks.get(path)
  }
}
