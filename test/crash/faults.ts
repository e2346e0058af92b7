/** How much of the fault matrix runs: with `HEADGATE_FAULTS=all`, as in CI, each row to the letter, else a selection. */

export const WHOLE = process.env['HEADGATE_FAULTS'] === 'all'
