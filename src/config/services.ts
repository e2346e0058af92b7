/** Functions that share an address: finds what their names stand for. */

import { versioned } from '../schema/index.ts'
import type { ServiceFunction } from './config.ts'
import type { Names, Reporter } from './names.ts'
import type { Sections } from './sections.ts'
import { findFunction } from './versions.ts'

/** Returns the functions of services; reports those that are not there, and services at an address that a function has. */
export function makeServices(
  services: Sections['services'],
  names: Names,
  callable: ReadonlySet<string>,
  reporter: Reporter,
): readonly ServiceFunction[] {
  return Object.entries(services).flatMap(([service, functions]) => {
    if (callable.has(service))
      reporter.report(['services', service], `"service/${service}" is the address of the function "${service}"`, {
        on: 'key',
        suggestion: 'choose another name, or set `call: false` on the function',
      })
    return Object.entries(functions).flatMap(([as, text]) => {
      const found = findFunction(text, ['services', service, as], 'function', names, reporter)
      return found ? [{ service, as, function: versioned(found) }] : []
    })
  })
}
