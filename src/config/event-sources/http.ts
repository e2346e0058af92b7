/** `type: http`: where HTTP is taken, and which paths call which functions. */

import * as z from 'zod'
import { traced } from './expansion.ts'
import { kind } from './kind.ts'
import { targetFunction } from './scalars.ts'

export const http = kind({
  summary:
    'Requests to paths: sets `http.listen`, and a route `from: http:<METHOD> <path>` each. Callers wait for the reply.',
  list: 'routes',
  items: 'Paths.',
  config: z.strictObject({
    host: z.string().min(1).optional().describe('Address to listen on; 127.0.0.1 when not given.'),
    port: z.int().min(0).max(65_535).optional().describe('Port to listen on; 8080 when not given.'),
  }),
  item: z.strictObject({
    path: z
      .string()
      .min(1)
      .describe('A path; * at its end takes every path that begins so, and {name} any one segment.'),
    methods: z.array(z.string().min(1)).min(1).optional().describe('Methods, such as GET; any when not given.'),
    target_function: targetFunction,
  }),
  expand({ config: { host, port }, items, at }, { out, reporter }) {
    const config = [...at, 'config']
    if (host !== undefined || port !== undefined) {
      const bracketed = host?.includes(':') ? `[${host}]` : (host ?? '127.0.0.1')
      const where = [...config, port === undefined ? 'host' : 'port']
      const other = out.listen(`${bracketed}:${port ?? 8_080}`, where)
      if (other) {
        const { file, line } = reporter.places.problem(other, '')
        reporter.report(where, `HTTP is taken at one address, and another is given in ${file}:${line}`)
      }
    }
    for (const { value, at: here } of items) {
      const { path, methods, target_function } = value
      const pattern = path.replace(/\{(\w+)\}/g, ':$1')
      const from = (methods ?? ['*']).map((method, index) =>
        traced(
          `http:${method.toUpperCase()} ${pattern}`,
          methods && !/^[A-Za-z]+$/.test(method) ? [...here, 'methods', index] : [...here, 'path'],
        ),
      )
      out.add('routes', path, here, {
        from: from.length === 1 ? from[0] : from,
        to: traced(target_function, [...here, 'target_function']),
      })
    }
  },
})
