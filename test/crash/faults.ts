/**
 * How much of the fault matrix runs: with `HEADGATE_FAULTS=all`, as in CI, each row to the letter, else a selection. What
 * begins after `HEADGATE_FAULTS_UNTIL` (seconds since the epoch) is a selection too, and says so: a slow machine ends in time.
 */

const all = process.env['HEADGATE_FAULTS'] === 'all'
const until = Number(process.env['HEADGATE_FAULTS_UNTIL'] ?? Number.POSITIVE_INFINITY)

export const WHOLE = all && Date.now() < until * 1_000

if (all && !WHOLE)
  console.warn('the time for the whole fault matrix is over: of the rows of this file a selection runs')
