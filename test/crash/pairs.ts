/** How much slower neighbours are beside a fault than without it, as far as a machine that does other things can tell. */

/** Milliseconds of one call of a neighbour after another. */
export type Times = readonly number[]

/** What alternating windows showed. */
export interface Pairs {
  /** p99 in milliseconds: the middle one of the quiet windows, and of those with the fault. */
  readonly quiet: number
  readonly beside: number
  /** p99 with the fault over p99 without it, pair by pair, the smallest first. */
  readonly ratios: readonly number[]
  /** The ratio that a third of the pairs keep to. */
  readonly held: number
}

export const p99 = (times: Times): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.NaN

const middle = (figures: readonly number[]): number =>
  figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN

/**
 * Measures a window without the fault and one with it, by turns, and compares each with its neighbour in time: this
 * takes the machine's mood out, which changes by a third from one second to the next. A p99 is a few calls of a window,
 * so that one bad moment makes a pair bad: what a third of them keep to counts. A fault that does reach the neighbours
 * shows in every pair.
 */
export async function inPairs(
  rounds: number,
  quiet: () => Promise<Times>,
  beside: () => Promise<Times>,
): Promise<Pairs> {
  const without: number[] = []
  const along: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    without.push(p99(await quiet()))
    along.push(p99(await beside()))
  }
  const ratios = along.map((time, round) => time / (without[round] ?? Number.NaN)).toSorted((a, b) => a - b)
  return { quiet: middle(without), beside: middle(along), ratios, held: ratios[Math.floor(rounds / 3)] ?? Number.NaN }
}

/** Calls a neighbour again and again, with a pause of `everyMs`, for as long as `busy` says. */
export async function callWhile(call: () => Promise<unknown>, busy: () => boolean, everyMs = 2): Promise<Times> {
  const times: number[] = []
  while (busy()) {
    const start = performance.now()
    await call()
    times.push(performance.now() - start)
    // A load that the machine can carry beside the fault.
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
  return times
}

/** True until so many milliseconds are over. */
export function upTo(ms: number): () => boolean {
  const end = performance.now() + ms
  return () => performance.now() < end
}

/** The figures of a row, for the log. */
export const figuresOf = ({ quiet, beside, ratios, held }: Pairs): Readonly<Record<string, unknown>> => ({
  p99Quiet: Number(quiet.toFixed(2)),
  p99Beside: Number(beside.toFixed(2)),
  ratios: ratios.map((ratio) => Number(ratio.toFixed(2))),
  held: Number(held.toFixed(2)),
})
