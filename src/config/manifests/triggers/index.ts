/** Every type that a trigger of a manifest may have. */

import { cron } from './cron.ts'
import { http } from './http.ts'
import { kafka } from './kafka.ts'
import { storage } from './storage.ts'
import type { TriggerType } from './trigger.ts'

export const TRIGGERS: Readonly<Record<string, TriggerType>> = { http, kafka, cron, storage }
