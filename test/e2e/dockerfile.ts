/** Takes the steps of a Dockerfile in a folder: enough of the language for ours, and an error for the rest. */

import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join, matchesGlob, relative } from 'node:path'
import * as z from 'zod'

export interface Image {
  /** The folder that stands for the root of the last stage. */
  readonly root: string
  readonly workdir: string
  readonly env: Readonly<Record<string, string>>
  readonly user: string | undefined
  readonly volumes: readonly string[]
  readonly command: readonly string[]
  readonly health: readonly string[]
  /** Paths that were copied with another owner than root. */
  readonly owned: readonly string[]
  readonly base: string
}

interface Stage {
  root: string
  base: string
  workdir: string
  env: Record<string, string>
  user: string | undefined
  volumes: string[]
  command: readonly string[]
  health: readonly string[]
  owned: string[]
}

/** Builds every stage below `folder`, from what .dockerignore lets through of `context`. Returns the last one. */
export function buildImage(context: string, folder: string, env: NodeJS.ProcessEnv): Image {
  const stages = new Map<string, Stage>()
  let stage: Stage | undefined
  for (const { name, rest } of instructions(readFileSync(join(context, 'Dockerfile'), 'utf8'))) {
    if (name === 'FROM') {
      const [base = '', , as = `stage${stages.size}`] = rest.split(/\s+/)
      stage = newStage(base, join(folder, as))
      stages.set(as, stage)
      continue
    }
    const step = STEPS[name]
    if (stage === undefined || step === undefined) throw new Error(`${name} is not known here`)
    step(stage, rest, { context, env, stages })
  }
  if (stage === undefined) throw new Error('no stage')
  return stage
}

function newStage(base: string, root: string): Stage {
  mkdirSync(root, { recursive: true })
  return { root, base, workdir: '/', env: {}, user: undefined, volumes: [], command: [], health: [], owned: [] }
}

interface Surroundings {
  readonly context: string
  readonly env: NodeJS.ProcessEnv
  readonly stages: ReadonlyMap<string, Stage>
}

type Step = (stage: Stage, rest: string, surroundings: Surroundings) => void

const STEPS: Readonly<Record<string, Step>> = {
  WORKDIR: (stage, rest) => {
    stage.workdir = rest
    mkdirSync(join(stage.root, rest), { recursive: true })
  },
  COPY: (stage, rest, surroundings) => copy(stage, rest.split(/\s+/), surroundings),
  RUN: (stage, rest, { env }) => run(stage, rest, env),
  ENV: (stage, rest) => {
    for (const [, key = '', value = ''] of rest.matchAll(/(\w+)=(\S+)/g)) stage.env[key] = value
  },
  USER: (stage, rest) => {
    stage.user = rest
  },
  VOLUME: (stage, rest) => {
    stage.volumes.push(rest)
  },
  EXPOSE: () => {},
  CMD: (stage, rest) => {
    stage.command = words.parse(JSON.parse(rest))
  },
  HEALTHCHECK: (stage, rest) => {
    stage.health = words.parse(JSON.parse(rest.replace(/^(--\S+\s+)*CMD\s+/, '')))
  },
}

const words = z.array(z.string())

/** One instruction a line, continued lines joined, comments gone. */
function instructions(text: string): readonly { readonly name: string; readonly rest: string }[] {
  const lines = text.replace(/^#.*\n/gm, '').replace(/\\\n\s*/g, '')
  return lines
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => ({ name: line.slice(0, line.indexOf(' ')), rest: line.slice(line.indexOf(' ') + 1).trim() }))
}

function copy(stage: Stage, words: readonly string[], { context, stages }: Surroundings): void {
  const flags = words.filter((word) => word.startsWith('--'))
  const paths = words.filter((word) => !word.startsWith('--'))
  const to = paths.at(-1) ?? '.'
  const from = flags.find((flag) => flag.startsWith('--from='))?.slice(7)
  const source = from === undefined ? context : stages.get(from)?.root
  if (source === undefined) throw new Error(`COPY from "${from}", which is no stage`)
  const ignored = from === undefined ? ignore(context) : () => false
  const target = join(stage.root, to.startsWith('/') ? to : join(stage.workdir, to))
  if (flags.some((flag) => flag.startsWith('--chown='))) stage.owned.push(target)
  for (const path of paths.slice(0, -1)) {
    const into = to.endsWith('/') ? join(target, path) : target
    mkdirSync(dirname(into), { recursive: true })
    cpSync(join(source, path), into, { recursive: true, filter: (file) => !ignored(relative(context, file)) })
  }
}

function ignore(context: string): (path: string) => boolean {
  const patterns = readFileSync(join(context, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  return (path) => path !== '' && patterns.some((pattern) => matchesGlob(path, pattern))
}

/** Runs a line by the shell. An absolute path in it that the stage has, or is to have, lies below the stage's folder. */
function run(stage: Stage, line: string, env: NodeJS.ProcessEnv): void {
  const here = line.replace(/(^|\s)(\/(?:app|data)\b)/g, (_, before, path) => `${before}${stage.root}${path}`)
  execFileSync('sh', ['-euc', here], {
    cwd: join(stage.root, stage.workdir),
    env: { ...env, ...stage.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}
