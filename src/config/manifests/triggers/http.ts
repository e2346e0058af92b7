/** `triggerType: http`: requests to a path. */

import * as z from 'zod'
import { traced } from '../../event-sources/expansion.ts'
import { oneOrMore, trigger } from './trigger.ts'

const address =
  'HTTP is taken at one address, for all functions: write http: { listen: "127.0.0.1:8080" } in a configuration'

export const http = trigger({
  summary: 'Requests to a path: a route `from: http:<METHOD> <path>`. Callers wait for the reply.',
  aliases: { method: 'methods' },
  elsewhere: { host: address, port: address },
  config: z.strictObject({
    path: z
      .string()
      .min(1)
      .describe('A path; * at its end takes every path that begins so, and {name} or :name any one segment.'),
    methods: oneOrMore().optional().describe('Methods, such as GET, or one of them; any when not given.'),
  }),
  expand(triggers, { out, reporter }) {
    for (const { at, config, name, to } of triggers) {
      const { path, methods } = config
      const pattern = path.replace(/\{(\w+)\}/g, ':$1')
      const from = (methods ?? ['*']).map((method, index) => {
        const listed = [...at, 'methods', index]
        const own = reporter.places.at(listed) ? listed : listed.slice(0, -1)
        return traced(
          `http:${method.toUpperCase()} ${pattern}`,
          /^([A-Za-z]+|\*)$/.test(method) ? [...at, 'path'] : own,
        )
      })
      out.add('routes', name, at, { from: from.length === 1 ? from[0] : from, to })
    }
  },
})
