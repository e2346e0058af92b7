/** The chain of an event as a tree: what it came of above it, what came of it below. */

import { elapsed } from './elapsed.ts'
import type { ChainLink } from './records.ts'
import { columns, type Paint, shown } from './terminal.ts'

/** Shown of a long chain. */
const MOST = 30

const COLOURS = {
  done: 'green',
  waits: 'yellow',
  dead: 'red',
  none: 'dim',
  unmatched: 'dim',
  refused: 'red',
  failed: 'red',
} as const
const WORDS = { none: 'nothing of it is left', unmatched: 'no route took it' } as const

/** `id` is of the event that was asked for: it is marked. */
export function chainLines(links: readonly ChainLink[], id: string, paint: Paint): readonly string[] {
  const ids = new Set(links.map((link) => link.id))
  const begin = links[0]?.at ?? new Date(0)
  const rows: (readonly string[])[] = []
  const seen = new Set<ChainLink>()
  const visit = (link: ChainLink, depth: number): void => {
    if (seen.has(link)) return
    seen.add(link)
    rows.push(row(link, depth, begin, link.id === id, paint))
    for (const child of links) if (child.cause === link.id) visit(child, depth + 1)
  }
  for (const link of links) if (link.cause === undefined || !ids.has(link.cause)) visit(link, 0)
  // A cause that names itself, by whatever way, begins nowhere.
  for (const link of links) visit(link, 0)
  const more = rows.length - MOST
  return [...columns(rows.slice(0, MOST)), ...(more > 0 ? [paint('dim', `  ... ${more} more, which --json has`)] : [])]
}

function row(link: ChainLink, depth: number, begin: Date, asked: boolean, paint: Paint): readonly string[] {
  const { at, deliveries, state, type } = link
  const name = `${asked ? '>' : ' '} ${'  '.repeat(depth)}${shown(type)} ${shown(link.id)}`
  const word = state === 'none' || state === 'unmatched' ? WORDS[state] : state
  const offset = at.getTime() === begin.getTime() ? at.toISOString() : `+${elapsed(at.getTime() - begin.getTime())}`
  return [asked ? paint('bold', name) : name, paint(COLOURS[state], word), offset, deliveries.map(shown).join(', ')]
}
