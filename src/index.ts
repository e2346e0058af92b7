/** The public API: embeds a gateway in a Node program. */

import { connectors } from '../connectors/index.ts'
import { loadConfig, parseConfig } from './config/index.ts'
import { Gateway, type GatewayOptions } from './gateway.ts'

export type { Connector } from './connector/connector.ts'
export { ERRORS, type ErrorCode, GatewayError } from './errors.ts'
export type { CloudEvent } from './event/index.ts'
export { Gateway, type GatewayOptions } from './gateway.ts'

export interface CreateOptions extends Partial<GatewayOptions> {
  /** What `${NAME}` in the configuration stands for; the environment of the process by default. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/**
 * Makes a gateway from a configuration: the path of a YAML file or of a folder of them, or `{ yaml }` with the text.
 * Resolves when the configuration is valid; nothing is opened before `start`. Rejects with CONFIG_INVALID, all
 * mistakes in it with their places.
 */
export async function createGateway(
  config: string | { readonly yaml: string },
  options: CreateOptions = {},
): Promise<Gateway> {
  const reading = { connectors: options.connectors ?? connectors, env: options.env ?? process.env }
  const parsed =
    typeof config === 'string' ? await loadConfig(config, reading) : await parseConfig(config.yaml, '<yaml>', reading)
  return new Gateway(parsed, { ...options, connectors: reading.connectors })
}
