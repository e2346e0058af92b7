/** MQTT topic filters and HTTP path patterns: whether one is well formed, and whether a path takes an address. */

/** Deeper patterns than this are refused: each level costs every event a step. */
const MAX_LEVELS = 64

/** Returns what is wrong with a topic filter, or undefined [MQTT-4.7.1]. */
export function filterProblem(filter: string): string | undefined {
  const levels = filter.split('/')
  if (filter === '') return 'a topic filter is empty; # takes every topic'
  if (filter.includes('\0')) return 'a topic filter holds a NUL character'
  if (levels.length > MAX_LEVELS) return `a topic filter has ${levels.length} levels; at most ${MAX_LEVELS}`
  if (filter.startsWith('$share/')) return 'a route takes no shared subscription; write the filter alone'
  const hash = levels.findIndex((level) => level.includes('#'))
  if (hash >= 0 && (hash < levels.length - 1 || levels[hash] !== '#'))
    return `"${filter}": # stands alone, as the last level`
  const plus = levels.find((level) => level.includes('+') && level !== '+')
  return plus === undefined ? undefined : `"${filter}": + stands for a whole level, not for part of "${plus}"`
}

/** Returns what is wrong with an HTTP method and path pattern, or undefined. */
export function pathProblem(method: string, path: string): string | undefined {
  const levels = path.split('/')
  if (!/^([A-Z]+|\*)$/.test(method)) return `"${method}" is no method; write one such as POST, or *`
  if (!path.startsWith('/')) return `the path "${path}" does not begin with /`
  if (levels.length > MAX_LEVELS) return `a path has ${levels.length} segments; at most ${MAX_LEVELS}`
  if (/[?#\s]/.test(path)) return `the path "${path}" holds a query, a fragment or white space`
  const star = path.indexOf('*')
  if (star >= 0 && star < path.length - 1) return `"${path}": * stands at the end`
  const empty = levels.find((level) => level === ':')
  return empty === undefined ? undefined : `"${path}": ":" wants a name`
}

/** Whether a path pattern takes a path: `:name` is one segment that is not empty, a * at the end any rest. */
export function takesPath(pattern: string, path: string): boolean {
  const wanted = pattern.split('/')
  const given = path.split('/')
  for (const [at, level] of wanted.entries()) {
    const segment = given[at]
    if (segment === undefined) return false
    if (level.endsWith('*')) return segment.startsWith(level.slice(0, -1))
    if (level.startsWith(':') ? segment === '' : level !== segment) return false
  }
  return wanted.length === given.length
}

/** Splits `POST /path` into its parts. */
export function splitAddress(address: string): readonly [method: string, path: string] {
  const at = address.indexOf(' ')
  return at < 0 ? ['', address] : [address.slice(0, at), address.slice(at + 1)]
}
