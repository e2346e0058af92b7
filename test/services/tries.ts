/** What the tests of a file share, but for the second try of one: that is to find nothing that the first has left. */

import { afterAll, beforeAll, beforeEach } from 'vitest'

/** Opens it before the first test of the file, and anew before the second try of any; `open` resolves to what closes it. */
export function sharedByTests(open: () => Promise<() => unknown>): void {
  let close: (() => unknown) | undefined
  const end = async (): Promise<void> => {
    const last = close
    close = undefined
    await last?.()
  }
  const begin = async (): Promise<void> => {
    await end()
    close = await open()
  }
  beforeAll(begin)
  beforeEach(({ task }) => (task.result?.retryCount ? begin() : undefined))
  afterAll(end)
}
