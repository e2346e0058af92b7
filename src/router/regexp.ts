/** The patterns of `matches`, which are those of RE2: what is wrong with one, before any event is asked. */

import { celEnv, isCelError, parse, plan } from '@bufbuild/cel'

const SAID = /^error parsing regexp: /
/** The same engine as in an evaluation, reached in the same way. */
const probe = plan(celEnv(), parse('"".matches(pattern)'))

/** Returns what is wrong with a pattern; undefined when it is one. */
export function patternProblem(pattern: string): string | undefined {
  const said: unknown = probe({ pattern })
  return isCelError(said) ? said.message.replace(SAID, '').replaceAll('`', '"') : undefined
}
