/** How much memory a piece of work took. */

/** Bytes that the process had more than before at its highest, while `work` went on. */
export async function grown(work: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage.rss()
  let highest = before
  const watch = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage.rss())
  }, 5)
  try {
    await work()
  } finally {
    clearInterval(watch)
  }
  return Math.max(highest, process.memoryUsage.rss()) - before
}
