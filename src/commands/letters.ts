/** Which dead letters a command is about, and how the control API is asked for them. */

import { type Command, Option } from 'commander'
import * as z from 'zod'
import { askJson, type Face, face } from './client.ts'
import { inputError } from './exit.ts'
import { collect, sinceArgument } from './options.ts'

export interface Common {
  readonly admin: string
  readonly json?: true
}

export interface FilterOptions {
  readonly route?: string
  readonly code?: string
  readonly since?: number
}

export interface ChangeOptions extends FilterOptions, Common {
  readonly id?: readonly string[]
  readonly group?: string
  readonly all?: true
}

export const filtered = (command: Command): Command =>
  command
    .option('--route <name>', 'those of this route')
    .option('--code <code>', 'those with this error code, such as FUNCTION_TRAPPED')
    .addOption(
      new Option('--since <when>', 'those that died since: an age such as 2h, or 2026-01-31T12:00:00Z').argParser(
        sinceArgument,
      ),
    )

export const chosen = (command: Command): Command =>
  filtered(command)
    .argument('[ids...]', 'these; without any, those that the options say')
    .option('--group <id>', 'those that died of the same thing; "list --group" shows the ids')
    .addOption(new Option('--id <id>', 'this one, as an argument is; may be repeated').argParser(collect))
    .option('--all', 'every one there is')

/** The options, with the dead letters that are named by arguments among those of `--id`. */
export const naming = <T extends ChangeOptions>(ids: readonly string[], options: T): T =>
  ids.length === 0 ? options : { ...options, id: [...ids, ...(options.id ?? [])] }

export const control = ({ admin }: Pick<Common, 'admin'>): Face => face(admin, '--admin')

/** The filter as a query has it. */
export const filterOf = ({ code, route, since }: FilterOptions) => ({
  ...(route === undefined ? {} : { route }),
  ...(code === undefined ? {} : { code }),
  ...(since === undefined ? {} : { since: new Date(since).toISOString() }),
})

/** The filter as a change has it; an empty one would be everything, and that is to be said. */
export function changeFilter(what: string, options: ChangeOptions): Readonly<Record<string, unknown>> {
  const { all, group, id: ids } = options
  const named = {
    ...filterOf(options),
    ...(ids === undefined ? {} : { ids }),
    ...(group === undefined ? {} : { group }),
  }
  const empty = Object.keys(named).length === 0
  if (empty && !all)
    throw inputError(
      `${what}: nothing says which; name them by their ids, or give --group, --route, --code or --since, or --all`,
    )
  if (!empty && all) throw inputError(`${what}: --all and a filter exclude each other`)
  // The control API refuses an empty filter, so all of them are those since the beginning.
  return empty ? { since: new Date(0).toISOString() } : named
}

/** Posts JSON to the control API. Resolves to its answer, as `schema` has it. */
export async function post<T extends z.ZodType>(
  at: Face,
  path: string,
  value: object,
  schema: T,
): Promise<z.output<T>> {
  const headers = { 'content-type': 'application/json' }
  return schema.parse(await askJson(at, { method: 'POST', path, headers, body: JSON.stringify(value) }))
}

const page = z.object({ items: z.array(z.unknown()), next: z.string().optional() })
/** The control API gives no more at once. */
const PAGE = 1_000

/** Resolves to the first `limit` of a list, and whether there are more. */
export async function listed(at: Face, filter: Readonly<Record<string, string>>, limit: number) {
  const items: unknown[] = []
  let after: string | undefined
  do {
    const query = { ...filter, limit: String(Math.min(limit - items.length, PAGE)), ...(after && { after }) }
    const got = page.parse(
      await askJson(at, { method: 'GET', path: `/admin/dead-letters?${new URLSearchParams(query)}` }),
    )
    items.push(...got.items)
    after = got.next
  } while (after !== undefined && items.length < limit)
  return { items, more: after !== undefined }
}
