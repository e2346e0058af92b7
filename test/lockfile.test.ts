/** What npm ci needs of the lock file on a machine that is not the one that wrote it. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

interface Locked {
  readonly version?: string
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly engines?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const read = (file: string): string => readFileSync(join(import.meta.dirname, '..', file), 'utf8')
const { packages } = JSON.parse(read('package-lock.json')) as { packages: Readonly<Record<string, Locked>> }

/** The package that `name` is for the one at `place`, as Node looks for it. */
function found(place: string, name: string): Locked | undefined {
  for (let at = place; ; at = at.includes('/node_modules/') ? at.slice(0, at.lastIndexOf('/node_modules/')) : '') {
    const held = packages[`${at === '' ? '' : `${at}/`}node_modules/${name}`]
    if (held || at === '') return held
  }
}

test('it holds the packages of every platform, which a registry that lacks some leaves out', () => {
  const missing = Object.entries(packages).flatMap(([place, { optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies)
      .filter(([name, version]) => /^\d/.test(version) && found(place, name)?.version !== version)
      .map(([name, version]) => `${place} wants ${name}@${version}`),
  )
  expect(missing).toEqual([])
})

// npm silently leaves out an optional package whose engines exclude the Node that runs npm. Ours runs on another one,
// which npm installs, so these entries are without engines; take them out again where npm has written them.
test('no native package is left out for the sake of the Node that runs npm', () => {
  const native = Object.entries(packages).filter(([, { cpu, os }]) => cpu !== undefined || os !== undefined)
  expect(native.filter(([, { engines }]) => engines !== undefined).map(([place]) => place)).toEqual([])
})
