/** What sources tell of their upstreams, kept until the next reading. */

import type { Meter, Standing } from '../connector/connector.ts'
import { METRICS, type MetricSpec } from './names.ts'
import { Counter, type Reading, renderSamples } from './tally.ts'

export class Standings {
  readonly #standings = new Map<string, Standing>()
  readonly #lastErrors = new Map<string, number>()
  readonly #errors = new Counter(METRICS.sourceErrors)
  readonly #reconnects = new Counter(METRICS.sourceReconnects)
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** Returns what a source of this name tells its figures to. */
  meter(source: string): Meter {
    return {
      stands: (standing) => void this.#standings.set(source, { ...this.#standings.get(source), ...standing }),
      troubled: () => {
        this.#errors.add(source)
        this.#lastErrors.set(source, this.#now())
      },
      reconnected: () => this.#reconnects.add(source),
      ended: () => void this.#standings.delete(source),
    }
  }

  render(): string {
    const errors = [...this.#lastErrors].map(([source, at]): Reading => ({ labels: [source], value: at / 1_000 }))
    return [
      this.#gauge(METRICS.sourceLag, ({ lag }) => lag),
      this.#gauge(METRICS.sourceLagBytes, ({ lagBytes }) => lagBytes),
      this.#gauge(METRICS.sourceOldest, ({ oldest }) => this.#age(oldest)),
      this.#gauge(METRICS.sourceInFlight, ({ inFlight }) => inFlight),
      this.#errors.render(),
      renderSamples(METRICS.sourceLastError, errors),
      this.#reconnects.render(),
    ].join('')
  }

  #age(oldest: number | null | undefined): number | undefined {
    if (typeof oldest !== 'number') return oldest === null ? 0 : undefined
    return Math.max(0, this.#now() - oldest) / 1_000
  }

  #gauge(spec: MetricSpec, of: (standing: Standing) => number | undefined): string {
    const readings = [...this.#standings].flatMap(([source, standing]): Reading[] => {
      const value = of(standing)
      return value === undefined ? [] : [{ labels: [source], value }]
    })
    return renderSamples(spec, readings)
  }
}
