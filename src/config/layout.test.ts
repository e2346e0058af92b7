/** Functions in OCI image layouts: what `oras copy --to-oci-layout` and `wkg` leave in a folder. */

import { createHash } from 'node:crypto'
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { mistakes, options } from './harness.ts'
import { findFile } from './layout.ts'
import { loadConfig } from './load.ts'

const WASM = readFileSync(join(import.meta.dirname, '../../functions/echo/echo.wasm'))
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'headgate-layout-'))
  mkdirSync(join(folder, 'blobs/sha256'), { recursive: true })
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const blobFile = (digest: string): string => join(folder, 'blobs/sha256', digest.replace('sha256:', ''))

function blob(bytes: Uint8Array | object): string {
  const data = bytes instanceof Uint8Array ? bytes : Buffer.from(JSON.stringify(bytes))
  const digest = `sha256:${createHash('sha256').update(data).digest('hex')}`
  writeFileSync(blobFile(digest), data)
  return digest
}

/** Writes an image of layers, and returns its descriptor. */
function image(layers: readonly (readonly [mediaType: string, bytes: Uint8Array])[], tag?: string) {
  const config = { mediaType: 'application/vnd.wasm.config.v0+json', digest: blob({}), size: 2 }
  const held = layers.map(([mediaType, bytes]) => ({ mediaType, digest: blob(bytes), size: bytes.length }))
  const digest = blob({ schemaVersion: 2, config, layers: held })
  const annotations = tag === undefined ? {} : { annotations: { 'org.opencontainers.image.ref.name': tag } }
  return { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 1, ...annotations }
}

const index = (...manifests: readonly object[]): void =>
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
const ECHO = digestOf(WASM)
const OTHER = Buffer.from('another')

test.each([
  'application/wasm',
  'application/vnd.wasm.content.layer.v1+wasm',
  'application/vnd.module.wasm.content.layer.v1+wasm',
])('the one image, its layer of %s beside others', (type) => {
  index(
    image([
      [type, WASM],
      ['text/plain', OTHER],
    ]),
  )
  expect(findFile(folder)).toEqual({ file: blobFile(ECHO) })
})

test('one of several, by tag and by digest', () => {
  const [first, second] = [image([['application/wasm', WASM]], '1.0'), image([['application/wasm', OTHER]], '2.0')]
  index(first, second)
  expect(findFile(`${folder}:1.0`)).toEqual({ file: blobFile(ECHO) })
  expect(findFile(`${folder}@${second.digest}`)).toEqual({ file: blobFile(digestOf(OTHER)) })
  expect(findFile(folder)).toEqual({ wrong: 'is a layout of several images: 1.0, 2.0; write one after a colon' })
  expect(findFile(`${folder}:3.0`)).toEqual({ wrong: 'is a layout without "3.0"; it holds 1.0, 2.0' })
})

/** Writes an index of images, and returns its descriptor. */
function nested(...images: readonly { readonly digest: string }[]) {
  const digest = blob({ schemaVersion: 2, manifests: images })
  return { mediaType: 'application/vnd.oci.image.index.v1+json', digest, size: 1 }
}

test('an image may be an index: the one image of Wasm in it, beside those of other platforms and signatures', () => {
  const [wasm, container] = [
    image([['application/wasm', WASM]]),
    image([['application/vnd.oci.image.layer.v1.tar', OTHER]]),
  ]
  const absent = { digest: `sha256:${'0'.repeat(64)}` }
  index({ ...nested(container, absent, wasm), annotations: { 'org.opencontainers.image.ref.name': '1.0' } })
  expect(findFile(folder)).toEqual({ file: blobFile(ECHO) })
  expect(findFile(`${folder}:1.0`)).toEqual({ file: blobFile(ECHO) })
  index(nested(nested(wasm)))
  expect(findFile(folder)).toEqual({ file: blobFile(ECHO) })
})

test('an index of two images of Wasm, of none, or without end is refused', () => {
  const [first, second] = [image([['application/wasm', WASM]]), image([['application/wasm', OTHER]])]
  index(nested(first, second))
  expect(findFile(folder)).toEqual({ wrong: expect.stringContaining('an index of 2 images with 2 layers of Wasm') })
  index(nested())
  expect(findFile(folder)).toEqual({ wrong: expect.stringContaining('an index of 0 images with 0 layers of Wasm') })
  index(nested(nested(nested(first))))
  expect(findFile(folder)).toEqual({ wrong: expect.stringContaining('an index in an index in an index') })
})

test('bytes that are not those of the digest are refused', () => {
  index(image([['application/wasm', WASM]]))
  appendFileSync(blobFile(ECHO), 'x')
  expect(findFile(folder)).toEqual({ wrong: expect.stringContaining(`its blob ${ECHO} has other bytes`) })
})

test.each<[string, () => void, string]>([
  [
    'a layer of a container',
    () => index(image([['application/vnd.oci.image.layer.v1.tar+gzip', WASM]])),
    'with 0 layers of Wasm, where one is expected; its layers are "application/vnd.oci.image.layer.v1.tar+gzip"',
  ],
  [
    'two layers',
    () =>
      index(
        image([
          ['application/wasm', WASM],
          ['application/wasm', OTHER],
        ]),
      ),
    'an image with 2 layers of Wasm',
  ],
  ['no image', () => index(), 'a layout of no image'],
  ['no JSON', () => writeFileSync(join(folder, 'index.json'), '{'), 'not sound: it has JSON of another form'],
  [
    'a digest that leads elsewhere',
    () => index({ digest: 'sha256:../../index.json' }),
    'not sound: it has JSON of another form',
  ],
  ['a blob that is not there', () => index({ digest: `sha256:${'0'.repeat(64)}` }), 'cannot be read (ENOENT)'],
  [
    'no index',
    () => undefined,
    'is a folder, and no OCI image layout: it has no index.json; write the path of a .wasm',
  ],
])('is refused: %s', (_, write, expected) => {
  write()
  expect(findFile(folder)).toEqual({ wrong: expect.stringContaining(expected) })
})

test('what is not there is not found', () => {
  expect(findFile(join(folder, 'a.wasm'))).toBeUndefined()
  expect(findFile(join(folder, 'a:1.0'))).toBeUndefined()
})

test('a manifest and a configuration name a layout by its path', async () => {
  index(image([['application/wasm', WASM]], '1.0'))
  const file = join(folder, 'headgate.yaml')
  const manifest = 'kind: WasmFunction\nmetadata: { name: echo }\nspec: { image: "oci:./:1.0" }\n'
  writeFileSync(file, `functions: { other: "./:1.0" }\n---\n${manifest}`)
  const { functions } = await loadConfig(file, options)
  expect(functions.map(({ wasm }) => wasm)).toEqual([blobFile(ECHO), blobFile(ECHO)])
  writeFileSync(file, manifest.replace('1.0', '2.0'))
  await expect(loadConfig(file, options)).rejects.toThrow('"./:2.0" is a layout without "2.0"; it holds 1.0')
})

test('a reference to a registry is a mistake that says what to do, in a configuration as in a manifest', () => {
  const ref = `oci://ghcr.io/team/f@${ECHO}`
  expect(mistakes(`functions: { f: "${ref}" }`)).toEqual([
    expect.stringMatching(
      /^1:17 functions\.f: "oci:.*" names an image in a registry, and none is pulled from there yet \|/,
    ),
  ])
  const [said] = mistakes(`functions: { f@2: { wasm: "${ref}" } }`)
  expect(said).toContain(`pull it, as with "wkg oci pull ghcr.io/team/f@${ECHO} -o f.wasm" or "oras copy`)
  expect(mistakes('functions: { f: "https://a.example/f.wasm" }').join()).toContain('is a URL, and functions are read')
})

test('a path of a layout may be written as other tools write it', async () => {
  index(image([['application/wasm', WASM]], '1.0'))
  const file = join(folder, 'headgate.yaml')
  writeFileSync(file, 'functions: { echo: "oci:./:1.0" }')
  expect((await loadConfig(file, options)).functions.map(({ wasm }) => wasm)).toEqual([blobFile(ECHO)])
})
