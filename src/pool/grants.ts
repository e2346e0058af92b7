/** What a function may reach beyond clocks, random numbers and its environment: what `allow` grants it, and what it lacks. */

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

/** What would have had to be granted: the line of YAML under the function that grants it, or why there is none. */
export type Wanted =
  | { readonly kind: GrantKind; readonly line: string }
  | { readonly kind: GrantKind; readonly why: string }

/** Makes of what a guest asked for what it lacks. Names are a guest's: they are cut and quoted. */
export const wanting = {
  http: ({ host, port, methods, scheme, private: inner }: Partial<HostGrant> & { readonly host: string }): Wanted => {
    const parts = [
      `host: ${scalar(host)}`,
      ...(scheme === undefined ? [] : [`scheme: ${scheme}`]),
      ...(port === undefined ? [] : [`port: ${port}`]),
      ...(methods === undefined ? [] : [`methods: [${methods.map(scalar).join(', ')}]`]),
      ...(inner ? ['private: true'] : []),
    ]
    return { kind: 'http', line: `allow: { http: [${parts.length === 1 ? scalar(host) : `{ ${parts.join(', ')} }`}] }` }
  },
  /** A limit of `http` that is too low, by its name and what would do. */
  httpLimit: (limit: 'requests' | 'request_size' | 'response_size' | 'timeout', value: string): Wanted => ({
    kind: 'http',
    line: `allow: { http: { ${limit}: ${value} } }`,
  }),
  kv: (store: string): Wanted => ({ kind: 'kv', line: `allow: { kv: [${scalar(store)}] }` }),
  /** `host` is the folder where that is known. */
  dir: (guest: string, write: boolean, host?: string): Wanted => {
    const folder = host === undefined ? '<folder>' : scalar(host)
    const line = `allow: { dirs: [{ guest: ${scalar(guest)}, host: ${folder}${write ? ', write: true' : ''} }] }`
    return { kind: 'dirs', line }
  },
  /** A path that leads out of a folder. */
  outside: (guest: string): Wanted => ({ kind: 'dirs', why: `the path leads out of ${scalar(guest)} through a link` }),
  config: (key: string): Wanted => ({ kind: 'config', line: `allow: { config: { ${scalar(key)}: <value> } }` }),
  messaging: (how: 'publish' | 'request', topic: string): Wanted => ({
    kind: 'messaging',
    line: `allow: { messaging: { ${how}: [${scalar(topic)}] } }`,
  }),
  call: (name: string): Wanted => ({ kind: 'call', line: `allow: { call: [${scalar(name)}] }` }),
}

/** Characters of a name that are told. */
const NAME = 200

/** Text in YAML in the flow style, whatever it holds: JSON is YAML. */
function scalar(text: string): string {
  const short = text.slice(0, NAME)
  const plain = /^[a-zA-Z/_][\w./-]*$/.test(short) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(short)
  // JSON leaves these as they are, and a terminal does not.
  return plain
    ? short
    : JSON.stringify(short).replace(/[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, escaped)
}

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
