/** The option `allow` of a function: what it may reach beyond clocks, random numbers and its environment. */

import { posix } from 'node:path'
import * as z from 'zod'
import { duration, size } from '../schema/index.ts'
import { type Grants, HOST, type HostGrant, hostOf, isPrivateByName, MOST_REQUESTS, STORE } from './grants.ts'

const TEXT = /^(?:(https?):\/\/)?(\[[^\]]*\]|[^:/[\]]+)(?::(\d{1,5}))?$/

/** What requests to it are compared with: an address in the one way that it is dialled in. */
function dialled(text: string): string | undefined {
  if (text === '*') return text
  const below = text.startsWith('*.') ? '*.' : ''
  const host = hostOf(text.includes(':') ? `[${text}]` : text.slice(below.length))
  return host === undefined || !HOST.test(host) ? undefined : below + host
}

const hostName = z
  .string()
  .transform((text) => text.toLowerCase().replace(/^\[|\]$/g, ''))
  .refine((text) => dialled(text) !== undefined, {
    error: ({ input }) =>
      `"${input}" is no host; write a name such as api.example.com, *.example.com for every name below one, or an address`,
  })
  .transform((text) => dialled(text) ?? text)
const port = z.int().min(1).max(65_535)

function noHost(text: string): string {
  const [, scheme, rest = text] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(text) ?? []
  if (scheme !== undefined && !/^https?$/.test(scheme)) return `"${text}": requests go out by http and https alone`
  if (rest.includes('/')) return `"${text}" has a path; a host is allowed as a whole, as in api.example.com`
  return `"${text}" is no host; write api.example.com, api.example.com:8443, https://api.example.com, or *.example.com for every name below one`
}

/** `host`, `host:port`, `https://host`. */
export const hostText = z
  .string()
  .min(1)
  .transform((text, context): HostGrant => {
    const [, scheme, host = '', digits] = TEXT.exec(text) ?? []
    const parts = z.object({ host: hostName, port: port.optional() }).safeParse({
      host,
      port: digits === undefined ? undefined : Number(digits),
    })
    if (parts.success)
      return {
        ...parts.data,
        private: isPrivateByName(parts.data.host),
        ...(scheme === undefined ? {} : { scheme: scheme as 'http' | 'https' }),
      }
    context.issues.push({ code: 'custom', input: text, message: noHost(text) })
    return z.NEVER
  })

const hostOptions = z.strictObject({
  host: hostName.describe('Its name, an address, `*.example.com` for every name below one, or `*`.'),
  port: port.optional().describe('The port; 80 and 443, as the scheme says, if absent.'),
  scheme: z.enum(['http', 'https']).optional().describe('Either if absent.'),
  methods: z
    .array(z.string().regex(/^[A-Z]+$/, { error: ({ input }) => `"${input}" is no method; write one such as GET` }))
    .min(1)
    .optional()
    .describe('Methods, such as GET; all if absent.'),
  private: z
    .boolean()
    .optional()
    .describe(
      'Whether it may be at a private, loopback or link-local address. Such an address is refused otherwise, but where `host` is an address itself, or `localhost`.',
    ),
})

const hosts = z.array(
  z.union([
    hostText,
    hostOptions.transform(
      ({ private: inner, ...host }): HostGrant => ({ ...host, private: inner ?? isPrivateByName(host.host) }),
    ),
  ]),
)

const limits = z.strictObject({
  requests: z.int().min(1).max(MOST_REQUESTS).default(32).describe('Requests that one call may make.'),
  request_size: size().prefault('1MiB').describe('What the body of a request may have.'),
  response_size: size().prefault('4MiB').describe('What the body of a response may have.'),
  timeout: duration().prefault('10s').describe('How long a request may take, until its whole response is there.'),
})

const guestPath = z
  .string()
  .refine((path) => posix.isAbsolute(path) && posix.normalize(path) === path && !path.includes('\0'), {
    error: ({ input }) =>
      `"${input}" is no path of a guest; write an absolute one without ".", ".." and a slash at its end, such as /data`,
  })

const dir = z.strictObject({
  guest: guestPath.describe('Where the function sees it, such as `/data`.'),
  host: z.string().min(1).describe('The folder; relative to the configuration file.'),
  write: z.boolean().default(false).describe('Whether it may write there, too.'),
})

const filters = (what: string) => z.array(z.string().min(1)).default([]).describe(what)

const store = z.string().regex(STORE, {
  error: ({ input }) => `"${input}" is no name; use letters, digits, - and _, at most 64`,
})

const httpOptions = limits.extend({
  to: hosts.describe('Hosts: `host`, `host:port`, `https://host`, or `{ host, port, scheme, methods, private }`.'),
})

/** `http: [...]` is short for `http: { to: [...] }`. */
const http = z.union([hosts.transform((to) => ({ to, ...limits.parse({}) })), httpOptions])

/** What stands in a part of `allow` that may be written short, or as a list. */
export const ALLOW_SECTIONS = { http: httpOptions, 'http.to[]': hostOptions, 'dirs[]': dir }

export const allowOptions = z.strictObject({
  http: http
    .prefault([])
    .describe('Hosts that it may send requests to: a list, or the options below. A redirect is not followed for it.'),
  kv: z.array(store).default([]).describe('Key-value stores that it may open, by name.'),
  dirs: z.array(dir).default([]).describe('Folders that it sees: a list of `{ guest, host, write }`.'),
  config: z.record(z.string().min(1), z.string()).default({}).describe('What it is given by `wasi:config`.'),
  messaging: z
    .strictObject({
      publish: filters('Topic filters: it may publish on each topic that one of them takes.'),
      request: filters(
        'Topic filters: it may send a request on each topic that one of them takes, and wait for the reply.',
      ),
    })
    .prefault({})
    .describe('Topics that it may use.'),
  call: z.array(z.string().min(1)).default([]).describe('Functions that it may call: `name` or `name@version`.'),
})

export type AllowConfig = z.output<typeof allowOptions>
/** As it is written. */
export type Allow = z.input<typeof allowOptions>

/** What is granted; `resolve` makes a folder's path absolute. */
export function grantsOf({ http, dirs, ...allow }: AllowConfig, resolve: (path: string) => string): Grants {
  const { to, requests, timeout: timeoutMs, request_size: requestBytes, response_size: responseBytes } = http
  return {
    ...allow,
    http: { to, requests, requestBytes, responseBytes, timeoutMs },
    dirs: dirs.map(({ guest, host, write }) => ({ guest, host: resolve(host), write })),
  }
}
