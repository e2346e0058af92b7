/** What came of the tests in a configuration, for people. */

import type { TestResult } from '../check/index.ts'
import { historyLines } from './history.ts'
import { eventHistory } from './records.ts'
import { columns, counted, type Paint, shown } from './terminal.ts'

/** A line for each route that has tests; tests of no one route are told by their file. */
export function testRows(results: readonly TestResult[], paint: Paint): readonly string[] {
  const groups = Map.groupBy(results, ({ file, route }) => route ?? file)
  return columns(
    [...groups].map(([group, tests]) => {
      const failed = tests.filter(({ passed }) => !passed).length
      const all = counted(tests.length, 'test')
      return [`  ${group}`, failed === 0 ? paint('green', `${all} passed`) : paint('red', `${failed} of ${all} failed`)]
    }),
  )
}

/** A test that did not pass: its place, what was expected and what came, and what happened to its events. */
export function troubleLines(result: TestResult, paint: Paint): readonly string[] {
  const { column, differences, events, file, line, name, refused, route } = result
  const about = route === undefined ? '' : `routes.${route}: `
  return [
    '',
    `${file}:${line}:${column}: ${about}${paint('bold', shown(name))}`,
    ...columns(
      differences.flatMap(({ expected, got, what }) => [
        [`  ${what}`, 'expected', paint('green', shown(expected))],
        ['', 'got', paint('red', shown(got))],
      ]),
    ),
    ...refused.map((reason) => `  not accepted: ${shown(reason)}`),
    ...events.flatMap((event) => ['', ...historyLines(eventHistory.parse(event), paint).map((text) => `  ${text}`)]),
  ]
}
