/** What a file most likely is, by the end of its name: what people drop into directories and buckets. */

const TYPES: Readonly<Record<string, string>> = {
  avif: 'image/avif',
  csv: 'text/csv',
  gif: 'image/gif',
  gz: 'application/gzip',
  htm: 'text/html',
  html: 'text/html',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  json: 'application/json',
  md: 'text/markdown',
  mp4: 'video/mp4',
  ndjson: 'application/x-ndjson',
  pdf: 'application/pdf',
  png: 'image/png',
  svg: 'image/svg+xml',
  tar: 'application/x-tar',
  txt: 'text/plain',
  webp: 'image/webp',
  xml: 'application/xml',
  yaml: 'application/yaml',
  yml: 'application/yaml',
  zip: 'application/zip',
}

/** What servers say when nobody told them. */
const UNTOLD = /^(application|binary)\/octet-stream$/

/** Returns the type that was told, or that of the name when none was. */
export function mediaTypeOf(path: string, told?: string): string {
  if (told !== undefined && !UNTOLD.test(told)) return told
  const end = path.slice(path.lastIndexOf('.') + 1).toLowerCase()
  return (path.includes('.') && TYPES[end]) || 'application/octet-stream'
}
