/** Programs that tests want on the machine: a suite that needs one runs, is listed as not run, or fails in CI. */

import { spawnSync } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const node24 = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
/** The oldest Node that Headgate runs on, where a test has put it. */
export const NODE_24 = fileURLToPath(new URL(`../.cache/node24/node_modules/${node24}/bin/node`, import.meta.url))
/** The conformance cases of CESQL, as CloudEvents' Go SDK (Apache-2.0) carries them: read where they lie, never copied. */
const CESQL_MODULE = 'github.com/cloudevents/sdk-go/sql/v2@v2.16.2'
export const CESQL_TCK = fileURLToPath(new URL(`../.cache/go/${CESQL_MODULE}/test/tck`, import.meta.url))

/** What may be needed, how to see that it is there, and the line that installs it. */
export const SERVICES = {
  mosquitto: { probe: ['mosquitto', '-h'], install: 'apt-get install -y mosquitto mosquitto-clients' },
  mosquitto_pub: { probe: ['mosquitto_pub', '--help'], install: 'apt-get install -y mosquitto-clients' },
  curl: { probe: ['curl', '--version'], install: 'apt-get install -y curl' },
  strace: { probe: ['strace', '-V'], install: 'apt-get install -y strace' },
  tmpfs: {
    probe: ['sh', '-c', 'd=$(mktemp -d) && mount -t tmpfs -o size=1m tmpfs "$d" && umount "$d" && rmdir "$d"'],
    install: 'run the tests as root on Linux',
  },
  node24: { probe: [NODE_24, '--version'], install: `npm install --prefix test/.cache/node24 ${node24}@^24.12.0` },
  cesql_tck: {
    probe: ['sh', '-c', `test -d '${CESQL_TCK}'`],
    install: `GOFLAGS=-modcacherw GOMODCACHE="$PWD/test/.cache/go" go mod download ${CESQL_MODULE}`,
  },
  psql: { probe: ['psql', '--version'], install: 'apt-get install -y postgresql-client' },
  openssl: { probe: ['openssl', 'version'], install: 'apt-get install -y openssl' },
  libfaketime: {
    probe: ['sh', '-c', 'ls /usr/lib/*/faketime/libfaketimeMT.so.1'],
    install: 'apt-get install -y libfaketime',
  },
  gcc: { probe: ['gcc', '--version'], install: 'apt-get install -y gcc' },
} as const

export type ServiceName = keyof typeof SERVICES

const found = new Map<ServiceName, boolean>()

/** Whether a program answers on this machine. */
export function available(name: ServiceName): boolean {
  const known = found.get(name)
  if (known !== undefined) return known
  const [command, ...args] = SERVICES[name].probe
  const { error, status } = spawnSync(command, args, { stdio: 'ignore' })
  // mosquitto -h exits 3 and mosquitto_pub --help exits 1: only a missing program is an error for those.
  const ok = error === undefined && (command !== 'sh' || status === 0)
  found.set(name, ok)
  return ok
}

const required = (name: string): boolean => {
  const wanted = process.env['HEADGATE_REQUIRE_SERVICES'] ?? ''
  return wanted === 'all' || wanted.split(',').includes(name)
}

/** A `describe` that needs programs. Absent: fails with the install line where they are required, else is listed at the end. */
export function describeWith(needs: readonly ServiceName[], title: string, body: () => void): void {
  const missing = needs.filter((name) => !available(name))
  if (missing.length === 0) return void describe(title, body)
  notRun({ title, missing: missing.map((name) => ({ name, install: SERVICES[name].install })), why: [] })
}

/** A suite that cannot run here, and what it wants. */
export interface Unrun {
  readonly title: string
  readonly missing: readonly { readonly name: string; readonly install: string; readonly optional?: string }[]
  /** What went wrong when it was looked for. */
  readonly why: readonly string[]
}

/** Stands for a suite that cannot run: a failure where what it wants is required, else one of the list at the end. */
export function notRun({ title, missing, why }: Unrun): void {
  const names = missing.map(({ name }) => name)
  const lines = missing.map(({ name, install }) => `${name}: ${install}`)
  describe(title, () => {
    test(`needs ${names.join(', ')}`, (context) => {
      if (missing.some(({ name, optional }) => optional === undefined && required(name)))
        expect.fail(`${title}: not on this machine: ${[...lines, ...why].join('; ')}`)
      const file = process.env['HEADGATE_NOT_RUN']
      if (file) appendFileSync(file, lines.map((line) => `${title}\t${line}\n`).join(''))
      context.skip(lines.join('; '))
    })
  })
}
