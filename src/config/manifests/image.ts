/** Finds the file that the `image` of a manifest or the path of a function stands for, and says what to do with one that is in a registry. */

import { readVersioned } from '../../schema/index.ts'
import type { FunctionFolder } from '../names.ts'

/** The file, relative to that of the manifest or absolute, and the version that its name says; or what is wrong. */
export type Image = { readonly wasm: string; readonly version?: string } | NoFile

interface NoFile {
  readonly wrong: string
  readonly suggestion: string
}

/** How other tools write the path of a layout: `oci:./folder:tag`. */
const LAYOUT = /^oci:(?!\/\/)(.+)$/s

/** Reads the path of a file or of a layout: what is no path is told to be none. */
export function readPath(written: string, name: string): Image {
  if (/^oci:\/\//.test(written)) return inRegistry(written, name)
  if (/^[a-z][a-z+.-]*:\/\//i.test(written))
    return { wrong: `"${written}" is a URL, and functions are read from files`, suggestion: fetched(name) }
  return { wasm: LAYOUT.exec(written)?.[1] ?? written }
}

/** Reads an `image`. A bare name is that of a file of the functions folder first, and then of one beside the manifest. */
export function readImage(image: string, name: string, folder: FunctionFolder | undefined): Image {
  const read = readPath(image, name)
  if ('wrong' in read) return orInFolder(read, folder)
  if (read.wasm !== image || /^\.{0,2}\//.test(image)) return read
  // `resize:2` is how images write what files of functions call `resize@2`.
  const [, bare = '', tag] = /^([^/:@]+?)(?:[:@]([^/:@]+?))?(?:\.wasm)?$/.exec(image) ?? []
  const key = tag === undefined ? bare : `${bare}@${tag}`
  const held = folder?.files.get(key)
  if (held !== undefined) return withVersion(held, key)
  if (/\.wasm$/.test(image)) return { wasm: image }
  // What has a registry, a tag, or no ending is how images are named that somebody has pushed.
  return orInFolder(inRegistry(image, name), folder)
}

function withVersion(wasm: string, key: string): Image {
  const { version } = readVersioned(key)
  return version === undefined ? { wasm } : { wasm, version }
}

function inRegistry(image: string, name: string): NoFile {
  const reference = image.replace(/^oci:\/\//, '')
  return {
    wrong: `"${image}" names an image in a registry, and none is pulled from there yet`,
    suggestion: `pull it, as with "wkg oci pull ${reference} -o ${name}.wasm" or "oras copy ${reference} --to-oci-layout ./${name}", then ${fetched(name)}`,
  }
}

const fetched = (name: string): string =>
  `write the path of the .wasm file or of the layout, such as ./${name}.wasm or ./${name}`

/** What a manifest may have in place of a path. */
function orInFolder({ suggestion, wrong }: NoFile, folder: FunctionFolder | undefined): NoFile {
  const there = folder ? `; the folder "${folder.path}" holds ${[...folder.files.keys()].join(', ') || 'nothing'}` : ''
  return { wrong, suggestion: `${suggestion}, or the name of a file in the folder of --functions${there}` }
}
