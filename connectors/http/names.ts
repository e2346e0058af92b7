/** The names of functions in paths: `/call/<function>`, and `/call/<service>/<function>` for those of a service. */

import { type Context, nearest } from '#connector'
import { HttpProblem, refuse } from './problem.ts'

/** Returns the name at the end of a path, decoded. Throws 400 when none can be read. */
export function segmentName(text: string): string {
  try {
    const name = decodeURIComponent(text)
    if (name !== '') return name
  } catch {}
  throw new HttpProblem(400, 'EVENT_INVALID', 'the path ends in no readable name')
}

/** Returns what a path under /call/ names; a slash that is percent-encoded is as good as one that is not. */
export const callName = (path: string): string => path.slice('/call/'.length).split('/').map(segmentName).join('/')

/** Throws FUNCTION_UNKNOWN, with what there is, when nothing of that name can be called. */
export function requireFunction({ calls, name: source }: Pick<Context, 'calls' | 'name'>, name: string): void {
  const known = calls.functions()
  if (known.includes(name)) return
  const near = nearest(name, known)
  const hint = near === undefined ? '' : `, did you mean "${near}"`
  const own = related(name, known)
  const list = own.length === 0 ? 'none is configured' : `known are ${own.slice(0, 50).join(', ')}`
  throw refuse('FUNCTION_UNKNOWN', source, `calling "${name}": there is no such function${hint}; ${list}`)
}

/** The functions of the service that is named, or the versions of the function; all there are otherwise. */
function related(name: string, known: readonly string[]): readonly string[] {
  const [service = '', as] = name.split('/')
  const ofService = known.filter((one) => one.startsWith(`${service}/`))
  if (ofService.length > 0) return ofService
  const [base = '', version] = name.split('@')
  const versions = known.filter((one) => one === base || one.startsWith(`${base}@`))
  return as === undefined && version !== undefined && versions.length > 0 ? versions : known
}
