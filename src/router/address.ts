/** Reads what stands after `from:` and `to:` in a route. */

import { filterProblem, pathProblem } from './patterns.ts'
import type { From, Target } from './route.ts'

export { filterProblem } from './patterns.ts'

/** Names that no source may have: they mean something else after `from:`, or are where built-in events come in. */
export const RESERVED: readonly string[] = ['mqtt', 'http', 'call', 'function', 'program', 'gateway', 'any']

/** What a text stands for, or what is wrong with it. */
export type Read<T> = { readonly value: T } | { readonly wrong: string }

/** Reads a `from`. A bare word is a source: whether there is one of that name is not asked here. */
export function readFrom(text: string): Read<From> {
  if (text === 'any') return { value: { kind: 'any' } }
  if (text === 'http') return { value: { kind: 'http', method: 'POST', path: '/events' } }
  const at = text.indexOf(':')
  const [scheme, rest] = at < 0 ? [undefined, text] : [text.slice(0, at), text.slice(at + 1).trim()]
  switch (scheme) {
    case undefined:
      return rest === 'mqtt' || rest === 'function' || rest === 'call'
        ? { wrong: `"${rest}" is not a source; write ${rest === 'mqtt' ? 'mqtt:<topic filter>' : 'function:<name>'}` }
        : { value: { kind: 'source', source: rest } }
    case 'mqtt':
      return checked(filterProblem(rest), { kind: 'mqtt', filter: rest })
    case 'http': {
      const [method = '', path] = rest.split(/\s+(.*)/s)
      if (path === undefined) return { wrong: `"${text}" has no path; write it as http:POST /orders` }
      return checked(pathProblem(method, path), { kind: 'http', method, path })
    }
    case 'function':
      return { value: { kind: 'source', source: 'function', address: rest } }
    default:
      return { wrong: `"${scheme}:" is not known; there are mqtt:, http: and function:` }
  }
}

/** Reads a `to`, except for what a bare name stands for: that is `name`. */
export function readTarget(text: string): Read<Target | { readonly kind: 'name'; readonly name: string }> {
  if (text.startsWith('mqtt:')) return readTopic(text, text.slice(5).trim(), 'binary')
  if (/^[a-z]+:/.test(text))
    return { wrong: `"${text}" is not known; there are function names, sink names and mqtt:<topic>` }
  return { value: { kind: 'name', name: text } }
}

/** Reads the topic of an MQTT target. */
export function readTopic(text: string, topic: string, mode: 'binary' | 'structured'): Read<Target> {
  if (/[+#]/.test(topic)) return { wrong: `"${topic}" is published to, so it can hold no + or #` }
  if (topic.startsWith('$')) return { wrong: `"${topic}": topics that begin with $ are the broker's own` }
  return checked(filterProblem(topic), { kind: 'mqtt', text, topic, mode })
}

const checked = <T>(wrong: string | undefined, value: T): Read<T> => (wrong === undefined ? { value } : { wrong })
