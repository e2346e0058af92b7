/** Waits for a condition with a deadline, instead of sleeping for a time that is hoped to be enough. */

export interface Patience {
  readonly what: string
  readonly withinMs?: number
  readonly everyMs?: number
  /** Told when it never happens. */
  readonly detail?: () => string
}

/** Resolves once `check` resolves to something truthy, with that; rejects when it never does, naming `what`. */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { what, withinMs = 10_000, everyMs = 10, detail }: Patience,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const result = await check()
    if (result) return result
    if (performance.now() > deadline)
      throw new Error(`never happened within ${withinMs} ms: ${what}${detail ? `\n${detail()}` : ''}`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
