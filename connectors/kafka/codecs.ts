/** The compression codecs of Kafka that kafkajs does not bring: snappy, LZ4 and zstd, none of which needs a native build. */

import { promisify } from 'node:util'
import zlib from 'node:zlib'

/** A codec as kafkajs takes it. */
interface Codec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>
  decompress(buffer: Buffer): Promise<Buffer>
}

interface Codecs {
  readonly CompressionTypes: Readonly<Record<'Snappy' | 'LZ4' | 'ZSTD', number>>
  readonly CompressionCodecs: object
}

interface Lz4 {
  compressFrame(data: Buffer): Promise<Buffer>
  decompressFrame(data: Buffer): Promise<Buffer>
}

/** Makes every codec known to kafkajs. The modules are loaded when the first batch that needs them comes. */
export function installCodecs({ CompressionCodecs, CompressionTypes }: Codecs, require: NodeJS.Require): void {
  const codecs = CompressionCodecs as Record<number, () => Codec>
  codecs[CompressionTypes.Snappy] = () => (require('kafkajs-snappy') as () => Codec)()
  codecs[CompressionTypes.LZ4] = () => {
    const { compressFrame, decompressFrame } = require('lz4-napi') as Lz4
    return { compress: ({ buffer }) => compressFrame(buffer), decompress: decompressFrame }
  }
  codecs[CompressionTypes.ZSTD] = zstd
}

function zstd(): Codec {
  const compress = promisify(zlib.zstdCompress)
  const decompress = promisify(zlib.zstdDecompress)
  return { compress: ({ buffer }) => compress(buffer), decompress: (buffer) => decompress(buffer) }
}
