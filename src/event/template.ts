/** Fills a topic template such as `alarms/{subject}` from an event's attributes. */

import type { CloudEvent } from './event.ts'

const PLACEHOLDER = /\{([a-z][a-z0-9]*)\}/g

/**
 * Replaces each `{name}` by the attribute or extension of that name. A missing one becomes empty; `+`, `#` and NUL,
 * which a topic may not hold, become `_`.
 */
export function expandTemplate(template: string, event: CloudEvent): string {
  if (!template.includes('{')) return template
  const attributes: Readonly<Record<string, unknown>> = {
    ...event.extensions,
    ...event,
    data: undefined,
    extensions: undefined,
  }
  return template.replace(PLACEHOLDER, (_, name: string) => String(attributes[name] ?? '').replace(/[+#\0]/g, '_'))
}
