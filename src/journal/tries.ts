/** The attempts of a delivery: those that failed are kept with its errors, the last one beside its state. */

import { type Block, STATUS } from './block.ts'
import { FIGURES, readFigures, writeFigures } from './figures.ts'
import type { AttemptRecord, Failure, Figures, Outcome } from './journal.ts'
import type { Ending } from './settle.ts'

/** A failed attempt as it is stored; without a message it is that of the one before. Figures in base64. */
export type StoredTry = readonly [attempt: number, at: number, code: string, message: string | null, figures?: string]

/** Failed attempts that are kept of a delivery. */
const MOST = 16
/** Characters of a message: the last error is kept whole elsewhere. */
const LONGEST = 300

/** Adds a failed attempt to those that are kept. */
export function withTry(
  before: readonly StoredTry[] = [],
  attempt: number,
  at: number,
  { error, figures }: Extract<Outcome, { error: Failure }>,
): readonly StoredTry[] | undefined {
  if (figures === undefined) return before.length === 0 ? undefined : before
  const message = error.message.slice(0, LONGEST)
  const last = before.findLast(([, , , said]) => said !== null)?.[3]
  const added: StoredTry = [attempt, at, error.code, message === last ? null : message, packed(figures)]
  if (before.length < MOST) return [...before, added]
  const [first, second, ...later] = before
  // What is dropped may be what the next one refers to.
  const head: StoredTry[] = second
    ? [[second[0], second[1], second[2], second[3] ?? first?.[3] ?? null, second[4] ?? '']]
    : []
  return [...head, ...later, added]
}

/** Tells of the attempts of a delivery; `settling` is an outcome that is on its way to the disk. */
export function triesOf(
  block: Block,
  slot: number,
  stored: readonly StoredTry[] | undefined,
  settling: Ending | undefined,
): { readonly tries?: readonly AttemptRecord[] } {
  const tries: AttemptRecord[] = []
  let message = ''
  for (const [attempt, at, code, said, figures] of stored ?? []) {
    message = said ?? message
    tries.push({ attempt, at, error: { code, message }, ...unpacked(figures) })
  }
  const figures = block.figures(slot)
  const last = { attempt: block.attempts(slot), at: block.settledAt(slot), ...figures }
  if (block.status(slot) === STATUS.done && figures) tries.push(last)
  else if (settling !== undefined && 'error' in settling && figures && !isSame(tries.at(-1), last))
    tries.push({ ...last, error: { code: settling.error.code, message: settling.error.message } })
  return tries.length === 0 ? {} : { tries }
}

const isSame = (one: AttemptRecord | undefined, other: AttemptRecord): boolean =>
  one?.at === other.at && one.attempt === other.attempt

function packed(figures: Figures): string {
  const bytes = Buffer.alloc(FIGURES)
  writeFigures(bytes, 0, figures)
  return bytes.toString('base64')
}

const unpacked = (figures = ''): Figures | undefined => readFigures(Buffer.from(figures, 'base64'), 0)
