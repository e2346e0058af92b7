/** Holds functions to their policies: what one asks beyond its policy is a mistake that names both places. */

import { dirname, resolve } from 'node:path'
import type { PolicyConfig } from '../pool/config.ts'
import type { FunctionSpec, Grants, HostGrant } from '../pool/pool.ts'
import type { Disk } from './disk.ts'
import type { Reporter } from './names.ts'
import type { Path } from './tree.ts'
import { durationText, sizeText } from './units.ts'

/** What a policy bounds. */
export type Bounded = Required<Pick<FunctionSpec, 'env' | 'grants' | 'memoryBytes' | 'timeoutMs'>>

const PAGE = 64 << 10

/** A policy, and the function at `path` that is under it. */
interface Under {
  readonly name: string
  readonly policy: PolicyConfig
  readonly path: Path
  readonly reporter: Reporter
  readonly disk: Disk
}

/** Returns what the function gets: where it says nothing itself, what the policy has. */
export function underPolicy(given: Bounded, under: Under): Bounded {
  const { policy } = under
  const pages = policy.maxMemoryPages
  const clerk = new Clerk(under)
  for (const variable of Object.keys(given.env)) clerk.variable(variable)
  return {
    env: given.env,
    memoryBytes: clerk.least('memory', given.memoryBytes, pages && pages * PAGE, 'maxMemoryPages', sizeText),
    timeoutMs: clerk.least('timeout', given.timeoutMs, policy.executionTimeoutMs, 'executionTimeoutMs', durationText),
    grants: { ...given.grants, http: clerk.http(given.grants.http), dirs: clerk.dirs(given.grants.dirs) },
  }
}

class Clerk {
  readonly #under: Under

  constructor(under: Under) {
    this.#under = under
  }

  /** The number that holds: the policy's where the function says none, or says more. */
  least(
    key: string,
    given: number,
    most: number | undefined,
    by: keyof PolicyConfig,
    text: (n: number) => string,
  ): number {
    if (most === undefined || given <= most) return given
    if (this.#written([key])) this.#beyond([key], `${text(given)} is more than the ${text(most)} of`, by)
    return most
  }

  variable(name: string): void {
    const allowed = this.#under.policy.allowedEnvVars
    if (!allowed || allowed.some((one) => (one.endsWith('*') ? name.startsWith(one.slice(0, -1)) : name === one)))
      return
    this.#beyond(['env', name], `"${name}" is not among the variables of`, 'allowedEnvVars')
  }

  http(given: Grants['http']): Grants['http'] {
    const { allowedHosts, maxNetworkRequests } = this.#under.policy
    const none = maxNetworkRequests === 0
    const list = this.#written(['allow', 'http', 'to']) ? ['allow', 'http', 'to'] : ['allow', 'http']
    if (!this.#written(['allow', 'http'])) {
      const to = none ? [] : (allowedHosts ?? given.to)
      return { ...given, to, requests: Math.min(given.requests, maxNetworkRequests ?? given.requests) }
    }
    for (const [at, host] of given.to.entries()) {
      if (none) this.#beyond([...list, at], 'no request is left by', 'maxNetworkRequests')
      else if (allowedHosts && !allowedHosts.some((one) => covers(one, host)))
        this.#beyond([...list, at], `"${host.host}" is not among the hosts of`, 'allowedHosts')
    }
    const requests = ['allow', 'http', 'requests']
    if (maxNetworkRequests === undefined || given.requests <= maxNetworkRequests) return given
    if (!none && this.#written(requests))
      this.#beyond(requests, `${given.requests} are more than the ${maxNetworkRequests} of`, 'maxNetworkRequests')
    return { ...given, requests: maxNetworkRequests }
  }

  dirs(given: Grants['dirs']): Grants['dirs'] {
    const { name, policy, reporter, disk } = this.#under
    if (!policy.allowedDirs) return given
    const at: Path = ['policies', name, 'allowedDirs']
    const file = reporter.places.nearest(at)?.place.source.file ?? '.'
    const allowed = policy.allowedDirs.map(({ guestPath, hostPath, readonly }) => ({
      guest: guestPath,
      host: resolve(dirname(file), hostPath),
      write: !readonly,
    }))
    for (const [index, { host }] of allowed.entries())
      if (!disk.folder(host))
        reporter.report([...at, index, 'hostPath'], `there is no folder "${policy.allowedDirs[index]?.hostPath}"`)
    if (!this.#written(['allow', 'dirs'])) return allowed
    for (const [index, { host, write }] of given.entries()) {
      const within = allowed.filter((one) => host === one.host || host.startsWith(`${one.host}/`))
      const own = ['allow', 'dirs', index]
      if (within.length === 0) this.#beyond([...own, 'host'], `"${host}" is not among the folders of`, 'allowedDirs')
      else if (write && !within.some((one) => one.write))
        this.#beyond([...own, 'write'], `"${host}" may be read alone by`, 'allowedDirs')
    }
    return given
  }

  #written(path: Path): boolean {
    return this.#under.reporter.places.at([...this.#under.path, ...path]) !== undefined
  }

  #beyond(path: Path, what: string, key: keyof PolicyConfig): void {
    const { name, path: own, reporter } = this.#under
    const { file, line } = reporter.places.problem(['policies', name, key], '', { on: 'key' })
    reporter.report([...own, ...path], `${what} the policy "${name}" (${key} in ${file}:${line})`)
  }
}

/** Whether all that the second means the first does, too. */
function covers(most: HostGrant, asked: HostGrant): boolean {
  const below = most.host === '*' ? '' : most.host.startsWith('*.') ? most.host.slice(1) : undefined
  const host =
    below === undefined ? asked.host === most.host : asked.host.endsWith(below) && asked.host !== most.host.slice(2)
  const scheme = most.scheme === undefined || most.scheme === asked.scheme
  const port = most.port === undefined ? usual(asked.port) : asked.port === most.port
  // Who names a host means it, wherever it is; with all that are below another it is not meant.
  return host && scheme && port && (!asked.private || most.private || below === undefined)
}

const usual = (port: number | undefined): boolean => port === undefined || port === 80 || port === 443
