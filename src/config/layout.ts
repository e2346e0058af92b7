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
/** An index of an index of an index: more than any tool writes, and a layout cannot have one in a circle. */
const DEPTH = 3

const descriptor = z.object({
  mediaType: z.string().optional(),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  annotations: z.record(z.string(), z.string()).optional(),
})
const indexFile = z.object({ manifests: z.array(descriptor) })
const manifestFile = z.object({ layers: z.array(descriptor) })
/** What an image is by its digest: its layers, or, where it is an index, an image for each platform. */
const imageFile = z.union([manifestFile, indexFile])
type Descriptor = z.output<typeof descriptor>
type Layers = z.output<typeof manifestFile>['layers']

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
  const images = layersOf(folder, image(manifests, wanted), DEPTH)
  // An index may hold an image for each platform, and signatures beside them: which is Wasm shows in its layers.
  const ofWasm = images.filter((layers) => layers.some(isWasm))
  const [first, ...others] = (ofWasm[0] ?? images[0] ?? []).filter(isWasm)
  if (ofWasm.length > 1 || !first || others.length > 0) {
    const types = [...new Set(images.flat().map(({ mediaType }) => `"${mediaType}"`))].join(', ') || 'none'
    const what = images.length === 1 ? 'an image' : `an index of ${images.length} images`
    throw new Refusal(
      `is ${what} with ${images.flat().filter(isWasm).length} layers of Wasm, where one is expected; its layers are ${types}`,
    )
  }
  return { file: blob(folder, first).file }
}

const isWasm = ({ mediaType = '' }: Descriptor): boolean => WASM.includes(mediaType)

/** The layers of an image, or of each image that an index holds. */
function layersOf(folder: string, one: Descriptor, depth: number): readonly Layers[] {
  if (depth === 0) throw new Refusal('is a layout that is not sound: it has an index in an index in an index')
  const read = imageFile.parse(JSON.parse(blob(folder, one).bytes.toString()))
  if ('layers' in read) return [read.layers]
  // What a copy left out, of other platforms, is not there to be read.
  const held = read.manifests.filter(({ digest }) => existsSync(blobPath(folder, digest)))
  return held.flatMap((each) => layersOf(folder, each, depth - 1))
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
  const file = blobPath(folder, digest)
  const bytes = readFileSync(file)
  if (`sha256:${createHash('sha256').update(bytes).digest('hex')}` !== digest)
    throw new Refusal(`is a layout that is not sound: its blob ${digest} has other bytes than that says`)
  return { file, bytes }
}

const blobPath = (folder: string, digest: string): string =>
  join(folder, 'blobs/sha256', digest.slice('sha256:'.length))
