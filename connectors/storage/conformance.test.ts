/** What needs no server passes the universal suites: a directory as source and sink, and a webhook. */

import { describe, test } from 'vitest'
import { sinkConformance, sourceConformance } from '#conformance'
import { directoryHarness, directorySinkHarness, webhookHarness } from './harness.ts'

describe('directory source', () => sourceConformance(test, directoryHarness))
describe('webhook source', () => sourceConformance(test, webhookHarness()))
describe('directory sink', () => sinkConformance(test, directorySinkHarness))
