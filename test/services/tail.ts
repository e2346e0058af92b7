/** Follows a gateway's own account of what happens, and reads its metrics. */

import type { GatewayProcess } from './gateway.ts'

/** A line of `GET /admin/tail`, as far as tests read it. */
export interface Line {
  readonly kind: 'accepted' | 'unmatched' | 'settled' | 'skipped'
  readonly route?: string
  readonly attempt?: number
  readonly outcome?: 'done' | 'retry' | 'dead'
  readonly tookMs?: number
  readonly retryInMs?: number
  readonly event: { readonly id: string }
}

/** Keeps the lines for as long as the scope lasts. Resolves once the gateway tells. */
export async function follow({
  admin,
}: Pick<GatewayProcess, 'admin'>): Promise<{ readonly lines: Line[] } & Disposable> {
  const leave = new AbortController()
  const lines: Line[] = []
  const { body } = await fetch(`http://127.0.0.1:${admin}/admin/tail`, { signal: leave.signal })
  const read = async () => {
    let text = ''
    for await (const chunk of body ?? []) {
      text += Buffer.from(chunk).toString()
      const parts = text.split('\n')
      text = parts.pop() ?? ''
      lines.push(...parts.map((line) => JSON.parse(line)))
    }
  }
  // Ends with the gateway, or with the scope.
  void read().catch(() => {})
  return { lines, [Symbol.dispose]: () => leave.abort() }
}

/** Resolves with every metric that has no labels, by name. Those of the event loop begin anew with each reading. */
export async function metricsOf({ admin }: Pick<GatewayProcess, 'admin'>): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text()
  return new Map([...text.matchAll(/^(\w+) (\S+)$/gm)].map(([, name = '', value]) => [name, Number(value)]))
}
