/** One build: a folder, and what it is to be built with. */

import type { Engine } from './toolchains.ts'

export interface Job {
  /** Absolute. */
  readonly folder: string
  readonly name: string
  /** The folder that the interface lies in. */
  readonly wit: string
  /** Of JavaScript and TypeScript. */
  readonly engine: Engine
  /** Of Python: the world of the interface that it implements; by what it imports when absent. */
  readonly world: string | undefined
}
