/** What the admin listener is lent: each part as small as what is asked of it. */

import type { HealthPort } from '../connector/calls.ts'
import type { Log } from '../connector/connector.ts'
import type { Activity } from '../delivery/activity.ts'
import type { Refusals } from '../delivery/refusals.ts'
import type { ReplayProgress, ReplayWish } from '../delivery/replay.ts'
import type { Rollouts } from '../delivery/rollouts.ts'
import type { Standing } from '../delivery/standing.ts'
import type { CloudEvent, Origin } from '../event/index.ts'
import type { EventRecord, Journal, Lane } from '../journal/journal.ts'
import type { FunctionStats } from '../pool/pool.ts'
import type { Router, Verdict } from '../router/router.ts'

/** A generation that ran, as far as events are asked about. */
export interface Past {
  readonly router: Pick<Router, 'explain'>
  /** The function that a target of a route was, with its version, and the SHA-256 of its file; undefined for a sink. */
  functionOf(route: string, to: string): { readonly name: string; readonly digest?: string } | undefined
}

/** Where versions of functions are put, while the gateway runs. */
export interface Deployment {
  readonly folder: string
  /** Reads the configuration again. Resolves once it runs; rejects with what is wrong, and nothing has changed then. */
  readonly reload: () => Promise<{ readonly generation: number }>
  readonly capabilities: {
    /** Lets a version ask for what those before it did not, until what is returned is called. */
    approve(name: string): () => void
    /** Checks a version that nothing sends to yet, and remembers what it asks for. Rejects with what is wrong with it. */
    admit(name: string, file: string, sha256: string): Promise<void>
  }
}

export interface AdminParts {
  readonly health: HealthPort
  readonly journal: Pick<
    Journal,
    'append' | 'chain' | 'find' | 'deadLetters' | 'recording' | 'redrive' | 'drop' | 'stats'
  >
  readonly functions: () => readonly FunctionStats[]
  /** Resolves to all metrics in the Prometheus text format. */
  readonly metrics: { render(): Promise<string> }
  /** The configuration that runs, in full, as YAML without secrets. */
  readonly config: () => string
  readonly explain: (event: CloudEvent, origin: Origin) => readonly Verdict[]
  /** The number under which the journal keeps the generation that runs. */
  readonly mark: () => number
  /** Resolves to what a generation was; undefined when that is not known any more. */
  readonly past: (mark: number) => Promise<Past | undefined>
  /** What was not accepted, or taken by no route, of late. */
  readonly refusals: Pick<Refusals, 'denials' | 'find'>
  /** The targets of a route of the configuration that runs, as written; undefined when there is no such route. */
  readonly targets: (route: string) => readonly string[] | undefined
  /** Versions of its functions beside those, which get nothing new. */
  readonly versions: (route: string) => readonly string[]
  /** Where each delivery of an event stands that is not settled, by its id. */
  readonly standings: (record: EventRecord) => ReadonlyMap<string, Standing>
  /** Lets a sink that is gone be tried again. Returns the lanes that waited for it; undefined without such a sink. */
  readonly resume: (sink: string) => readonly Lane[] | undefined
  /** Has a source take nothing more, and go on. Each returns whether that changed anything; undefined without such a source. */
  readonly pauses: { pause(source: string): boolean | undefined; resume(source: string): boolean | undefined }
  /** Absent where there is no such folder. */
  readonly deployment: Deployment | undefined
  /** The file of a function that runs, by `name@version`. */
  readonly functionFile: (name: string) => string | undefined
  /** What was decided of versions, and what is counted of them. */
  readonly rollouts: Pick<Rollouts, 'decide' | 'views' | 'weighted'>
  /** Runs events that the journal remembers again, until `signal`. */
  readonly replay: (wish: ReplayWish, signal: AbortSignal) => AsyncIterable<ReplayProgress>
  /** Calls the listener for all that happens from now on. Returns a function that ends it. */
  readonly subscribe: (listener: (activity: Activity) => void) => () => void
  /** Compiles an expression over events. Throws an error that says what is wrong with it. */
  readonly predicate: (expression: string) => (event: CloudEvent, origin: Origin) => boolean
  readonly log: Log
}
