/** Connectors that a configuration may name already, and that are not there yet. */

import type { Connector } from '../connector/connector.ts'
import { mapping, type Reporter } from './names.ts'
import { BUILT_IN } from './sections.ts'

const COMING = ['kafka', 'sqs', 'storage', 'postgres']
const HALVES = { sources: 'source', sinks: 'sink' } as const

/** Reports each source and sink whose connector is not there yet, and returns the configuration without them. */
export function withoutComing(
  value: Readonly<Record<string, unknown>>,
  connectors: readonly Connector[],
  reporter: Reporter,
): Readonly<Record<string, unknown>> {
  const left = { ...value }
  for (const [section, half] of Object.entries(HALVES)) {
    const there = connectors.filter((connector) => connector[half]).map(({ type }) => type)
    const offered = there.filter((type) => !(half === 'source' && BUILT_IN.includes(type)))
    const entries = Object.entries(mapping(value[section])).filter(([name, held]) => {
      const type = COMING.find((one) => Object.hasOwn(mapping(held), one) && !there.includes(one))
      if (type !== undefined)
        reporter.report([section, name, type], `there is no connector "${type}" yet for the ${half} "${name}"`, {
          on: 'key',
          suggestion: `the connectors for ${section} are ${offered.join(', ')}; leave out what needs another`,
        })
      return type === undefined
    })
    if (entries.length < Object.keys(mapping(value[section])).length) left[section] = Object.fromEntries(entries)
  }
  return left
}
