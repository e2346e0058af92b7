/** The rules of the layout, as tests: who may import whom, what a file is called, opens with, and may not hold. */

import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')

/** What every room may know. */
const GROUND = ['src/errors.ts', 'src/event', 'src/schedule', 'src/schema']
/** What rooms may know of each other: interfaces, and records of plain data. */
const CONTRACTS = [
  ...GROUND,
  'src/connector',
  'src/journal/journal.ts',
  'src/router/router.ts',
  'src/router/route.ts',
  'src/pool/pool.ts',
  'src/pool/recording.ts',
  'src/pool/host.ts',
  'src/reply/reply.ts',
]
/** The options that a room declares for the configuration. */
const OPTIONS = ['admin', 'broker', 'host', 'journal', 'pool', 'router', 'telemetry'].map(
  (room) => `src/${room}/config.ts`,
)

/** Each part and what it may import, itself aside. Read from the top: what a part imports stands above it. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'src/errors.ts': [],
  'src/schedule': [],
  'src/schema': [],
  'src/event': ['src/errors.ts'],
  'src/lifecycle.ts': ['src/errors.ts'],
  'src/journal': [...GROUND, 'src/connector/connector.ts'],
  'src/router': GROUND,
  'src/pool': GROUND,
  'src/host': [...GROUND, 'src/connector', 'src/pool/host.ts'],
  'src/connector': GROUND,
  'src/author': GROUND,
  'src/reply': [...GROUND, 'src/connector'],
  'src/broker': [...GROUND, 'src/connector', 'src/reply/reply.ts'],
  'src/delivery': CONTRACTS,
  'src/telemetry': [...CONTRACTS, 'src/delivery/activity.ts'],
  'src/admin': [
    ...CONTRACTS,
    ...['activity', 'refusals', 'replay', 'rollout', 'rollouts', 'standing'].map((file) => `src/delivery/${file}.ts`),
  ],
  // A route is checked by reading its addresses and compiling its expressions.
  'src/config': [...CONTRACTS, ...OPTIONS, 'src/router/address.ts', 'src/router/compile.ts', 'src/router/naming.ts'],
  'src/docs': [...CONTRACTS, ...OPTIONS, 'src/config', 'src/telemetry/names.ts', 'connectors/index.ts'],
  // The tests in a configuration run on the path itself, with a clock of their own.
  'src/check': [
    ...CONTRACTS,
    'src/config',
    'src/router',
    'src/journal',
    'src/delivery',
    'src/pool',
    'src/host',
    'src/admin/views.ts',
  ],
  // Commands without a gateway (check, explain, journal verify) start the one part that they need.
  'src/commands': [
    ...CONTRACTS,
    ...OPTIONS,
    'src/config',
    'src/check',
    'src/docs',
    'src/author',
    'src/gateway.ts',
    'src/router',
    'src/journal',
    'src/pool',
    'src/host',
    'package.json',
  ],
  // What a generation was is compiled again when somebody asks.
  'src/chronicle.ts': [...CONTRACTS, 'src/router'],
  // The composition root names implementations: in four files, read from the top, and they are the only ones that do.
  'src/hosting.ts': ['src'],
  'src/ground.ts': ['src'],
  'src/generation.ts': ['src'],
  'src/gateway.ts': ['src', 'package.json'],
  'src/index.ts': [
    ...CONTRACTS,
    'src/config',
    'src/gateway.ts',
    'src/reply',
    'src/delivery/activity.ts',
    'connectors/index.ts',
  ],
  'src/main.ts': ['src/commands', 'connectors/index.ts'],
  'connectors/index.ts': ['src/connector', 'connectors'],
}
/** A connector's folder knows the SDK, and no other connector. */
const CONNECTOR_MAY_IMPORT = ['src/connector/index.ts']
/** But for these: the notifications of a bucket come through a queue. */
const BUILT_ON: Readonly<Record<string, readonly string[]>> = { 'connectors/storage': ['connectors/sqs'] }

const ALIASES: Readonly<Record<string, string>> = {
  '#connector': 'src/connector/index.ts',
  '#conformance': 'test/conformance/index.ts',
}

/** Files of the repository: without what was installed, built, generated or cached. */
const list = (pattern: string): string[] =>
  globSync(pattern, {
    cwd: ROOT,
    exclude: (path) => /(^|\/)(node_modules|\.[^/]+|results|generated|var)$/.test(path),
  }).toSorted()

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')
const isTest = (file: string): boolean => /\.test\.ts$|(^|\/)([a-z]+-)?(harness|face)\.ts$/.test(file)
const within = (file: string, part: string): boolean => file === part || file.startsWith(`${part}/`)

const product = list('{src,connectors}/**/*.ts').filter((file) => !file.endsWith('.d.ts'))
const shipped = product.filter((file) => !isTest(file))
const tests = list('test/**/*.ts')
const folders = readdirSync(join(ROOT, 'connectors'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
const connectors = folders
  .map(({ name }) => `connectors/${name}`)
  .filter((folder) => existsSync(join(ROOT, folder, 'index.ts')))

/** What a file imports of this repository, as paths from its root. */
function imports(file: string): string[] {
  const specifiers = read(file).matchAll(/(?:\bfrom|\bimport\(|\bimport)\s*'([.#][^']*)'/g)
  return [...specifiers].map(([, path = '']) => ALIASES[path] ?? normalize(join(dirname(file), path)))
}

/** The part that a file belongs to, and what that may import; undefined when it belongs to none. */
function partOf(file: string): { readonly name: string; readonly allowed: readonly string[] } | undefined {
  const folder = folders.map(({ name }) => `connectors/${name}`).find((name) => within(file, name))
  if (folder) return { name: folder, allowed: [...CONNECTOR_MAY_IMPORT, ...(BUILT_ON[folder] ?? [])] }
  const name = Object.keys(MAY_IMPORT).find((part) => within(file, part))
  return name === undefined ? undefined : { name, allowed: MAY_IMPORT[name] ?? [] }
}

test('a part imports only what stands in the table', () => {
  const wrong = shipped.flatMap((file) => {
    const part = partOf(file)
    if (part === undefined) return [`${file}: belongs to no part of the table`]
    return imports(file)
      .filter((to) => ![part.name, ...part.allowed].some((allowed) => within(to, allowed)))
      .map((to) => `${file} -> ${to}`)
  })
  expect(wrong).toEqual([])
})

test('only src/main.ts, src/index.ts and src/docs name the list of connectors', () => {
  const named = shipped.filter((file) => imports(file).includes('connectors/index.ts'))
  expect(named.filter((file) => !/^src\/(main\.ts|index\.ts|docs\/)/.test(file))).toEqual([])
})

test('every file opens by saying what it is', () => {
  const head = /^(#!.*\n)?\/\*\*(?: |\n \* )\S/
  expect([...product, ...tests].filter((file) => !head.test(read(file)))).toEqual([])
})

test('no file of the product exceeds 300 lines, and half of them have 120 at most', () => {
  const lengths = product.map((file) => read(file).trimEnd().split('\n').length)
  expect(product.filter((_, i) => (lengths[i] ?? 0) > 300)).toEqual([])
  expect(lengths.toSorted((a, b) => a - b)[Math.floor(lengths.length / 2)]).toBeLessThanOrEqual(120)
})

test('a file is a thing with a name', () => {
  const nameless = /^(utils?|common|helpers?|core|lib|managers?|misc|shared)$/
  const parts = (file: string) => file.replace(/(\.test)?\.ts$/, '').split('/')
  expect([...product, ...tests].filter((file) => parts(file).some((part) => nameless.test(part)))).toEqual([])
})

test('errors say what was being done, never that it "failed to"', () => {
  expect(shipped.filter((file) => /['"`][^'"`\n]*\bfailed to\b/i.test(read(file)))).toEqual([])
})

test('only the command line writes to the terminal', () => {
  const may = /^src\/(main\.ts|commands\/|docs\/)/
  expect(shipped.filter((file) => !may.test(file) && /\bconsole\.\w+\(/.test(read(file)))).toEqual([])
})

test('every connector has the files that every connector has', () => {
  const has = (folder: string, name: string) => existsSync(join(ROOT, folder, name))
  const missing = connectors.flatMap((folder) => {
    const halves = ['source.ts', 'sink.ts'].filter((name) => has(folder, name))
    // A suite that needs a server on the machine runs with those that do.
    const suite = has(folder, 'conformance.server.test.ts') ? 'conformance.server.test.ts' : 'conformance.test.ts'
    const always = ['config.ts', 'harness.ts', suite, 'README.md']
    const wanted = [...always, ...(halves.includes('source.ts') ? ['normalize.ts', 'normalize.test.ts'] : [])]
    const lacking = wanted.filter((name) => !has(folder, name)).map((name) => `${folder}/${name}`)
    return halves.length > 0 ? lacking : [...lacking, `${folder}/source.ts or ${folder}/sink.ts`]
  })
  expect(missing).toEqual([])
})

test('every connector is in the list', () => {
  const listed = imports('connectors/index.ts').map(dirname)
  expect(listed.toSorted()).toEqual(expect.arrayContaining(connectors))
})

test('nothing names a path of the machine on which it was written', () => {
  const texts = [
    ...product,
    ...tests,
    ...list('{*.md,*.json,Dockerfile}'),
    ...list('{src,connectors,config,functions,test}/**/*.{md,yaml,json}'),
  ]
  const machine = /(?:^|[\s'"`(=])\/(?:work|root|home\/(?!node\b)\w+|Users)\/\w/m
  expect(texts.filter((file) => machine.test(read(file)))).toEqual([])
})

test('the lock file names no registry: each machine has its own', () => {
  const hosts = [...read('package-lock.json').matchAll(/"resolved": "https?:\/\/([^/"]+)/g)].map(([, host]) => host)
  expect(hosts).toEqual([])
})

test('src/README.md shows every room, and no other', () => {
  const shown = [...read('src/README.md').matchAll(/^\| `([a-z]+)\/` +\|/gm)].map(([, name]) => name)
  const rooms = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  expect(shown.toSorted()).toEqual(rooms.map(({ name }) => basename(name)).toSorted())
})
