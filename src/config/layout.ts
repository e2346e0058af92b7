/** Finds the file of a function: a .wasm file, or the one layer of an image in an OCI image layout folder. */

import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'

/** The file, absolute; or what is wrong with the path. */
export type FoundFile = { readonly file: string } | { readonly wrong: string }
/** Finds a file; undefined when there is nothing at the path. */
export type FindFile = (path: string) => FoundFile | undefined

/** What the tools of the Wasm world have called such a layer: wkg and oras, wasm-to-oci, Istio. */
const WASM = [
  'application/wasm',
  'application/vnd.wasm.content.layer.v1+wasm',
  'application/vnd.module.wasm.content.layer.v1+wasm',
]
const NAME = 'org.opencontainers.image.ref.name'

const descriptor = z.object({
  mediaType: z.string().optional(),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  annotations: z.record(z.string(), z.string()).optional(),
})
const indexFile = z.object({ manifests: z.array(descriptor) })
const manifestFile = z.object({ layers: z.array(descriptor) })
type Descriptor = z.output<typeof descriptor>

/** `<folder>`, `<folder>:<tag>` and `<folder>@sha256:<digest>` are images of a layout; what is there in it is checked. */
export const findFile: FindFile = (path) => {
  try {
    return find(path)
  } catch (error) {
    if (error instanceof Refusal) return { wrong: error.message }
    if (error instanceof z.ZodError || error instanceof SyntaxError)
      return { wrong: 'is a layout that is not sound: it has JSON of another form' }
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    return code === 'ENOTDIR' ? undefined : { wrong: `cannot be read (${code})` }
  }
}

/** As `findFile`; throws what is wrong. */
function find(path: string): FoundFile | undefined {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat?.isFile()) return { file: path }
  const [, folder = path, digest, tag] = /^(.*?)(?:@(sha256:[0-9a-f]+)|:([\w.-]+))?$/s.exec(path) ?? []
  const at = stat ? path : folder
  if (!statSync(at, { throwIfNoEntry: false })?.isDirectory()) return undefined
  if (!existsSync(join(at, 'index.json')))
    throw new Refusal('is a folder, and no OCI image layout: it has no index.json; write the path of a .wasm file')
  return layer(at, stat ? undefined : (digest ?? tag))
}

class Refusal extends Error {}

function layer(folder: string, wanted: string | undefined): FoundFile {
  const { manifests } = indexFile.parse(JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')))
  const { layers } = manifestFile.parse(JSON.parse(blob(folder, image(manifests, wanted)).bytes.toString()))
  const [first, ...others] = layers.filter(({ mediaType = '' }) => WASM.includes(mediaType))
  if (!first || others.length > 0) {
    const types = [...new Set(layers.map(({ mediaType }) => `"${mediaType}"`))].join(', ') || 'none'
    throw new Refusal(
      `is an image with ${others.length + (first ? 1 : 0)} layers of Wasm, where one is expected; its layers are ${types}`,
    )
  }
  return { file: blob(folder, first).file }
}

/** The one image of a layout, or the one that is wanted. */
function image(manifests: readonly Descriptor[], wanted: string | undefined): Descriptor {
  const found = manifests.filter(
    ({ annotations, digest }) => wanted === undefined || digest === wanted || annotations?.[NAME] === wanted,
  )
  const [first, ...others] = found
  if (first && others.length === 0) return first
  if (manifests.length === 0) throw new Refusal('is a layout of no image')
  const there = manifests.map(({ annotations, digest }) => annotations?.[NAME] ?? digest).join(', ')
  throw new Refusal(
    first
      ? `is a layout of several images: ${there}; write one after a colon`
      : `is a layout without "${wanted}"; it holds ${there}`,
  )
}

/** A blob whose bytes are those that its name says. */
function blob(folder: string, { digest }: Descriptor): { readonly file: string; readonly bytes: Buffer } {
  const hex = digest.slice('sha256:'.length)
  const file = join(folder, 'blobs/sha256', hex)
  const bytes = readFileSync(file)
  if (createHash('sha256').update(bytes).digest('hex') !== hex)
    throw new Refusal(`is a layout that is not sound: its blob ${digest} has other bytes than that says`)
  return { file, bytes }
}
