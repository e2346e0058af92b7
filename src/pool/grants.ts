/** What a function may reach beyond clocks, random numbers and its environment: what `allow` grants it, and what it lacks. */

import type { Allow } from './allow-options.ts'

/** Plain data: posted to the workers. Nothing is granted that is not in it. */
export interface Grants {
  readonly http: HttpGrants
  /** Names of key-value stores. */
  readonly kv: readonly string[]
  readonly dirs: readonly DirGrant[]
  /** What `wasi:config` gives. */
  readonly config: Readonly<Record<string, string>>
  readonly messaging: MessagingGrants
  /** Functions that it may call, as they are written: `name` for the newest version, or `name@version`. */
  readonly call: readonly string[]
}

/** Requests that go out. The limits are those of one call of the function. */
export interface HttpGrants {
  readonly to: readonly HostGrant[]
  /** Requests that one call may make. */
  readonly requests: number
  /** Bytes of the body of one request. */
  readonly requestBytes: number
  /** Bytes of the body of one response. */
  readonly responseBytes: number
  /** Until the whole response of one request is there. */
  readonly timeoutMs: number
}

export interface HostGrant {
  /** Either when absent. */
  readonly scheme?: 'http' | 'https' | undefined
  /** In lower case, an IPv6 address without brackets; `*.example.com` is every name below, `*` every host. */
  readonly host: string
  /** The one of the scheme when absent: 80, 443. */
  readonly port?: number | undefined
  /** In capitals; every method when absent. */
  readonly methods?: readonly string[] | undefined
  /** Whether it may be at a private, loopback or link-local address. */
  readonly private: boolean
}

export interface DirGrant {
  /** Where the function sees it: absolute, without `.` and `..`. */
  readonly guest: string
  /** The folder, absolute. */
  readonly host: string
  readonly write: boolean
}

export interface MessagingGrants {
  /** Topic filters; a topic that one of them takes may be published on. */
  readonly publish: readonly string[]
  /** The same, for requests that wait for a reply. */
  readonly request: readonly string[]
}

/** Nothing. */
export const NO_GRANTS: Grants = {
  http: { to: [], requests: 0, requestBytes: 0, responseBytes: 0, timeoutMs: 0 },
  kv: [],
  dirs: [],
  config: {},
  messaging: { publish: [], request: [] },
  call: [],
}

/** What can be lacking. */
export const GRANT_KINDS = ['http', 'kv', 'dirs', 'config', 'messaging', 'call', 'other'] as const
export type GrantKind = (typeof GRANT_KINDS)[number]
/** How often something was denied, by what is lacking. */
export type Denials = Readonly<Partial<Record<GrantKind, number>>>

/** What would have had to be granted: the value of `allow` that grants it, or why there is none. */
export type Wanted =
  | { readonly kind: GrantKind; readonly allow: Allow }
  | { readonly kind: GrantKind; readonly why: string }

/** Makes of what a guest asked for what it lacks. Names are a guest's: they are bounded. */
export const wanting = {
  http: (grant: Wish): Wanted => {
    if (grant.host.length > NAME || grant.host.startsWith('*') || !HOST.test(grant.host))
      return never('http', `no host is called ${named(grant.host)}`)
    return { kind: 'http', allow: { http: [hostAllow(grant)] } }
  },
  /** A limit of `http` that is too low, by its name and what would do, with the hosts that there are. */
  httpLimit: (
    limit: 'requests' | 'request_size' | 'response_size' | 'timeout',
    value: string | number,
    to: readonly HostGrant[],
  ): Wanted => {
    if (limit === 'requests' && Number(value) > MOST_REQUESTS)
      return never('http', `${MOST_REQUESTS} requests are the most of one call`)
    const hosts = to.map(hostAllow)
    return { kind: 'http', allow: { http: { to: flow(hosts).length > HOSTS ? ['<hosts>'] : hosts, [limit]: value } } }
  },
  kv: (store: string): Wanted =>
    STORE.test(store) ? { kind: 'kv', allow: { kv: [store] } } : never('kv', `no store is called ${named(store)}`),
  /** `host` is the folder where that is known. */
  dir: (guest: string, write: boolean, host = '<folder>'): Wanted =>
    guest.length > NAME
      ? never('dirs', `no folder is at ${named(guest)}`)
      : { kind: 'dirs', allow: { dirs: [{ guest, host, ...(write && { write }) }] } },
  /** A path that leads out of a folder. */
  outside: (guest: string): Wanted => never('dirs', `the path leads out of ${named(guest)} through a link`),
  config: (key: string): Wanted =>
    key === '' || key.length > NAME
      ? never('config', `no value is called ${named(key)}`)
      : { kind: 'config', allow: { config: { [key]: '<value>' } } },
  messaging: (how: 'publish' | 'request', topic: string): Wanted =>
    // As a filter it would allow more than was asked for.
    topic === '' || topic.length > NAME || /[+#\0]|^\$/.test(topic)
      ? never('messaging', `${named(topic)} is no topic that can be published on`)
      : { kind: 'messaging', allow: { messaging: { [how]: [topic] } } },
  call: (name: string): Wanted =>
    name === '' || name.length > NAME
      ? never('call', `no function is called ${named(name)}`)
      : { kind: 'call', allow: { call: [name] } },
}

/** A request as it would have to be allowed. */
type Wish = Partial<HostGrant> & Pick<HostGrant, 'host'>

/** What no configuration can hold is not advised. */
const never = (kind: GrantKind, why: string): Wanted => ({ kind, why })

function hostAllow({ host, port, methods, scheme, private: inner }: Wish) {
  const options = {
    ...(scheme && { scheme }),
    ...(port !== undefined && { port }),
    ...(methods && { methods: [...methods] }),
    ...(inner !== undefined && inner !== isPrivateByName(host) && { private: inner }),
  }
  return Object.keys(options).length === 0 ? host : { host, ...options }
}

/** Who names an address means it, be it a private one. */
export const isPrivateByName = (host: string): boolean =>
  host === 'localhost' || host.includes(':') || /^\d+(?:\.\d+){3}$/.test(host)

/** A name of DNS, `*.` before it for every name below, an address (of IPv6 without brackets), or `*`. */
export const HOST =
  /^(?:\*|(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*|[0-9a-f.]*:[0-9a-f:.]+)$/
/** A name that stands for a store. */
export const STORE = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/

/**
 * A host as it is dialled: in lower case, `0x7f.1` as 127.0.0.1, names of other scripts as DNS has them, an IPv6 address
 * without brackets, no dot at the end. Undefined for what is none, as a user's name before it.
 */
export function hostOf(text: string): string | undefined {
  if (/[@/\\?#\s]/.test(text)) return undefined
  try {
    const { hostname } = new URL(`http://${text}/`)
    return hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '') || undefined
  } catch {
    return undefined
  }
}

/** What `requests` may be. */
export const MOST_REQUESTS = 1_000
/** Characters of a name that are told, and of the hosts beside a limit. */
const NAME = 200
const HOSTS = 400

const named = (text: string): string => flow(text.slice(0, NAME))

/** A value of a configuration in YAML, on one line. */
export function flow(value: unknown): string {
  // In a configuration it would name a variable of the environment; of a key nothing is one.
  if (typeof value === 'string') return scalar(value).replaceAll('${', () => '$${')
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  return `{ ${Object.entries(value)
    .map(([key, each]) => `${scalar(key)}: ${flow(each)}`)
    .join(', ')} }`
}

/** Text in YAML in the flow style, whatever it holds: JSON is YAML. A size, a duration and a blank are plain. */
const scalar = (text: string): string =>
  /^(?:[a-zA-Z/_][\w./-]*|\d+(?:KiB|ms)|<[a-z]+>)$/.test(text) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text)
    ? text
    : quoted(text)

// JSON leaves these as they are, and a terminal does not.
const quoted = (text: string): string =>
  JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, escaped)

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
