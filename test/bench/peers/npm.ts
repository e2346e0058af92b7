/** Peers that are too large to be dependencies: installed when first wanted, pinned, in test/.cache/peers. */

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { NotRun } from '../load.ts'

const PEERS = new URL('../../.cache/peers/', import.meta.url).pathname

/** The folder that holds `packageName@version` in its node_modules. Throws NotRun when it cannot be installed. */
export function installed(packageName: string, version: string): string {
  const folder = `${PEERS}${packageName.replace(/[^a-z0-9]+/g, '-').replace(/^-/, '')}-${version}`
  if (existsSync(`${folder}/node_modules/${packageName}/package.json`)) return folder
  mkdirSync(folder, { recursive: true })
  const args = ['i', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', `${packageName}@${version}`]
  const { status, stderr } = spawnSync('npm', args, { encoding: 'utf8', timeout: 180_000 })
  if (status !== 0) {
    const line = `npm i --prefix test/.cache/peers/... ${packageName}@${version}`
    throw new NotRun(`${packageName} could not be installed: ${line}: ${(stderr ?? '').trim().slice(-300)}`)
  }
  return folder
}

/** Imports a package out of such a folder. The caller says what it uses of it, as `T`. */
export async function load<T>(folder: string, packageName: string): Promise<T> {
  const path = createRequire(`${folder}/package.json`).resolve(packageName)
  const module: { default?: T } & T = await import(pathToFileURL(path).href)
  return module.default ?? module
}
