/** Checks configurations: reads each, runs its tests, and sees whether its functions are functions. */

import type { TestResult } from '../check/index.ts'
import type { Config, LoadOptions } from '../config/index.ts'
import { inputError } from './exit.ts'

/** A configuration that can be used. */
export interface Checked {
  readonly config: Config
  readonly results: readonly TestResult[]
}

/** Why one cannot be used. */
interface Refused {
  readonly error: unknown
}

/** Tests beside a configuration are read with it: among other paths, as of `*.yaml`, they are no configuration. */
const TESTS = /\.test\.ya?ml$/

/** Resolves to what came of each path, in order; with `route`, the tests of that route alone are run. */
export async function checkAll(
  paths: readonly string[],
  how: LoadOptions,
  route: string | undefined,
): Promise<ReadonlyMap<string, Checked | Refused>> {
  const { loadConfig } = await import('../config/index.ts')
  const loaded = new Map<string, Checked | Refused>()
  for (const path of paths.length > 1 ? paths.filter((path) => !TESTS.test(path)) : paths)
    loaded.set(path, await orRefused(async () => untested(await loadConfig(path, how), path, route)))
  const configs = [...loaded.values()].flatMap((each) => ('config' in each ? each.config : []))
  const { Functions, runsFunctions, runTests, setScene, transpileAhead } = await import('../check/index.ts')
  await using functions = new Functions(transpileAhead(configs))
  const test = async ({ config }: Checked): Promise<Checked> => {
    if (config.tests.length === 0) return { config, results: [] }
    const scene = setScene(config, how.connectors, {
      pool: () => functions.pool(config),
      host: functions.host,
    })
    return { config, results: await runTests(config.tests, scene) }
  }
  const each = async (work: (checked: Checked) => Promise<Checked>, which = (_: Checked) => true): Promise<void> => {
    const found = [...loaded].flatMap(([path, each]) =>
      'config' in each && which(each) ? [[path, each] as const] : [],
    )
    // The pool of many functions serves those who have some of them.
    for (const [path, checked] of found.toSorted(
      ([, a], [, b]) => b.config.functions.length - a.config.functions.length,
    ))
      loaded.set(path, await orRefused(() => work(checked)))
  }
  // Another thread transpiles, and nothing takes longer: what waits for no function comes first.
  await each(test, ({ config }) => !config.tests.some(runsFunctions))
  await each(test, ({ config }) => config.tests.some(runsFunctions))
  await each(async (checked) => {
    await functions.verify(checked.config)
    return checked
  })
  return loaded
}

/** With the tests that are wanted, none of which has run. */
function untested(config: Config, path: string, route: string | undefined): Checked {
  if (route === undefined) return { config, results: [] }
  if (!config.routes.some(({ name }) => name === route)) throw inputError(`--route: ${path} has no route "${route}"`)
  return { config: { ...config, tests: config.tests.filter((test) => test.route === route) }, results: [] }
}

const orRefused = (work: () => Promise<Checked>): Promise<Checked | Refused> =>
  work().catch((error: unknown) => ({ error }))
