/** The commands of a README, and the output that it shows below them. */

/** A block of commands, tagged `sh`, with the block of output that follows it at once, tagged `text`. */
export interface Block {
  readonly line: number
  readonly heading: string
  readonly script: string
  readonly shown: string | undefined
}

const LANGUAGES = new Set(['sh', 'text', 'go', 'js', 'json', 'python', 'yaml'])

/** Reads every fenced block. Throws on one without a language, or with one that says nothing about whether it runs. */
export function readBlocks(markdown: string): readonly Block[] {
  const blocks: Block[] = []
  const lines = markdown.split('\n')
  let heading = ''
  let after = -1
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ''
    if (line.startsWith('#')) heading = line.replace(/^#+ /, '')
    if (!line.startsWith('```')) continue
    const language = line.slice(3)
    if (!LANGUAGES.has(language))
      throw new Error(`line ${at + 1}: a block of "${language}"; tag it sh to be run, or text`)
    const end = lines.indexOf('```', at + 1)
    const text = lines.slice(at + 1, end).join('\n')
    const last = blocks.at(-1)
    if (language === 'sh') blocks.push({ line: at + 1, heading, script: text, shown: undefined })
    else if (language === 'text' && last && after === at) blocks[blocks.length - 1] = { ...last, shown: text }
    after = end + 1
    at = end
  }
  return blocks
}

const MASKS: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\/\d+)*\b/g, '<id>'],
  [/\b\d+-\d+(?= +<duration> ago)/g, '<id>'],
  [/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>'],
  [/\b\d\d:\d\d:\d\d\.\d{3}\b/g, '<time>'],
  [/\/mqtt\/[\w-]+(?= about)/g, '/mqtt/<client>'],
  [/(?<=: )\/\S+\.wasm$/g, '<path>'],
  [/\bworker \d+/g, 'worker <n>'],
  [/\([0-9a-f]{12}\)/g, '(<sha256>)'],
  // Whether there was one depends on how loaded the machine is.
  [/, its instance was made for it/g, ''],
]
const DURATION = /\b\d+(\.\d+)? (ms|s|min)\b/g

/** The lines of an output as a README shows them: what differs from run to run is masked, npm's own lines are left out. */
export const masked = (output: string): readonly string[] =>
  output
    .split('\n')
    .filter((line) => !line.startsWith('> '))
    .map((line) =>
      MASKS.reduce((text, [what, mask]) => text.replaceAll(what, mask), line.replaceAll(DURATION, '<duration>')),
    )
    .map((line) => line.replaceAll(/(?<=\S) {2,}/g, '  ').trimEnd())
    .filter((line) => line !== '')
