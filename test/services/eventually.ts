/** Waits for a condition with a deadline, instead of sleeping for a time that is hoped to be enough. */

export interface Patience {
  readonly what: string
  readonly withinMs?: number
  /** How far it is by now: the time begins anew whenever that changes, and so bounds a halt, however slow the machine is. */
  readonly progress?: () => unknown
  readonly everyMs?: number
  /** Told when it never happens. */
  readonly detail?: () => string
}

/** Resolves once `check` resolves to something truthy, with that; rejects when it never does, naming `what`. */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { what, withinMs = 30_000, everyMs = 10, progress, detail }: Patience,
): Promise<NonNullable<T>> {
  let deadline = performance.now() + withinMs
  let far = progress?.()
  for (;;) {
    const result = await check()
    if (result) return result
    const now = progress?.()
    if (now !== far) deadline = performance.now() + withinMs
    far = now
    if (performance.now() > deadline)
      throw new Error(`never happened within ${withinMs} ms: ${what}${detail ? `\n${detail()}` : ''}`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
