/** Every connector there is. Written by `npm run generate` from the folders beside this file. */

import type { Connector } from '#connector'
import cron from './cron/index.ts'
import http from './http/index.ts'
import kafka from './kafka/index.ts'
import mqtt from './mqtt/index.ts'
import postgres from './postgres/index.ts'
import sqs from './sqs/index.ts'
import storage from './storage/index.ts'

export const connectors: readonly Connector[] = [cron, http, kafka, mqtt, postgres, sqs, storage]
