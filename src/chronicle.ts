/** What the routes and the functions of each generation were, kept in the journal for those who ask about an event of that time. */

import type { Journal } from './journal/journal.ts'
import { compileRouter } from './router/index.ts'
import type { Route } from './router/route.ts'
import type { Router } from './router/router.ts'
import { versioned } from './schema/index.ts'

/** SHA-256 of the files of functions, by `name@version`. */
type Digests = ReadonlyMap<string, string>

/** A generation as far as events may be asked about. */
export interface Then {
  readonly router: Pick<Router, 'explain'>
  /** Which function a target was: its name with its version, and the SHA-256 of its file; undefined for anything else. */
  functionOf(route: string, to: string): { readonly name: string; readonly digest?: string } | undefined
}

/** What is written. */
interface Chapter {
  readonly form: number
  readonly functions: Readonly<Record<string, string>>
  readonly routes: readonly Route[]
}

/** Raised when what is written could not be read by an older version. */
const FORM = 1
/** Generations that stay compiled: those who ask, ask about one event and its neighbours. */
const COMPILED = 4

export class Chronicle {
  readonly #journal: Pick<Journal, 'keep' | 'text'>
  readonly #compiled = new Map<number, Then>()

  constructor(journal: Pick<Journal, 'keep' | 'text'>) {
    this.#journal = journal
  }

  /** A generation begins to run, or to run again. Returns the number that its events and attempts refer to. */
  begin(routes: readonly Route[], digests: Digests): number {
    // Versions that only deliveries of before go on with are no part of what the routes say.
    const bare = routes.map(({ versions: _, ...route }) => route)
    const chapter: Chapter = { form: FORM, functions: Object.fromEntries(digests), routes: bare }
    return this.#journal.keep(JSON.stringify(chapter))
  }

  /** Resolves to what a generation was; undefined when that is not known any more, or was written in a form of another version. */
  async at(number: number): Promise<Then | undefined> {
    const known = this.#compiled.get(number)
    if (known) return known
    const text = await this.#journal.text(number)
    const then = text === undefined ? undefined : read(text)
    if (then === undefined) return undefined
    this.#compiled.set(number, then)
    const [oldest] = this.#compiled.keys()
    if (this.#compiled.size > COMPILED && oldest !== undefined) this.#compiled.delete(oldest)
    return then
  }
}

function read(text: string): Then | undefined {
  try {
    const { form, functions, routes } = JSON.parse(text) as Chapter
    if (form !== FORM) return undefined
    const { router } = compileRouter(routes)
    return {
      router,
      functionOf(route, to) {
        const { fallback, to: targets = [] } = router.get(route) ?? {}
        const target = [...targets, ...(fallback ? [fallback] : [])].find((each) => each.text === to)
        const name = target?.kind === 'function' ? versioned(target) : to
        const digest = functions[name]
        if (digest === undefined && target?.kind !== 'function') return undefined
        return { name, ...(digest ? { digest } : {}) }
      },
    }
  } catch {
    return undefined
  }
}
