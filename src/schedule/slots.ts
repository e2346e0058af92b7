/**
 * The slots of a schedule: the instants at which it is due.
 *
 * node-cron decides what matches, and its scheduler is not used: it has no clock to be given, catches nothing up, and
 * leaves out up to an hour of every schedule when clocks go back (node-cron/node-cron#604). On the two days of change
 * the rule here is Vixie cron's. A schedule for every hour follows real time. One that names hours follows the wall
 * clock: a time that does not exist is made up for when the gap ends, a time that comes twice counts once.
 */

import cron, { type ScheduledTask } from 'node-cron'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** The longest time between two slots there is: from one 29 February on a given weekday to the next, over 2100. */
const FARTHEST = 41 * 366 * DAY
/** By how much clocks are put back: an hour, and half an hour on Lord Howe Island. */
const SHIFTS = [HOUR / 2, HOUR] as const

/** Returns what is wrong with an expression, or undefined. */
export function scheduleProblem(expression: string): string | undefined {
  const { valid, errors } = cron.validateDetailed(expression)
  if (!valid) return errors.map(({ field, message }) => (field === 'expression' ? message : `${field}: ${message}`))[0]
  try {
    matcher(expression, 'UTC').getNextRuns(1)
    return undefined
  } catch {
    return 'no date will ever match it'
  }
}

/** Returns whether this is the name of a time zone: node-cron finds out only when it first runs. */
export function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return true
  } catch {
    return false
  }
}

/** Days that are known at once: three years. */
const DATES = 1_000

export class Slots {
  readonly #zoned: ScheduledTask
  /** Matches wall-clock times, written as if they were UTC. */
  readonly #wall: ScheduledTask
  /** Ascending. A zone's offset is whole minutes, so either all of a minute's seconds match or none does. */
  readonly #seconds: readonly number[]
  readonly #minutes: ReadonlySet<number>
  readonly #hours: ReadonlySet<number>
  readonly #followsWallClock: boolean
  /** Which dates are those of the schedule, as far as that was asked. */
  readonly #dates = new Map<number, boolean>()
  /** Absent for UTC. */
  readonly #offsetText: Intl.DateTimeFormat | undefined

  constructor(expression: string, timezone: string) {
    this.#zoned = matcher(expression, timezone)
    this.#wall = matcher(expression, 'UTC')
    const { second, minute, hour } = cron.parse(expression)
    this.#minutes = new Set(minute)
    this.#hours = new Set(hour)
    this.#seconds = second.toSorted((a, b) => a - b).map((seconds) => seconds * 1_000)
    this.#followsWallClock = this.#hours.size < 24 && timezone !== 'UTC'
    this.#offsetText =
      timezone === 'UTC'
        ? undefined
        : new Intl.DateTimeFormat('en-US', { timeZone: timezone, timeZoneName: 'longOffset' })
  }

  /** Yields the slots later than `after` and not later than `to`, in order. Takes 1 to 3 us for each minute between. */
  *between(after: number, to: number): Generator<number> {
    let minute = floor(after)
    let offset = this.#offset(minute - MINUTE)
    for (; minute <= to; minute += MINUTE) {
      const before = offset
      offset = this.#offset(minute)
      if (this.#isDue(minute, offset)) {
        for (const second of this.#seconds) {
          if (minute + second > after && minute + second <= to) yield minute + second
        }
      } else if (offset > before && minute > after && this.#namesTimeWithin(minute + before, minute + offset))
        yield minute
    }
  }

  /** Returns the next instant later than `now` at which there may be a slot. */
  nextLook(now: number): number {
    const minute = floor(now)
    const second = this.#seconds.find((seconds) => minute + seconds > now)
    return second === undefined
      ? minute + MINUTE + (this.#followsWallClock ? 0 : (this.#seconds[0] ?? 0))
      : minute + second
  }

  /** As much, but without the looks on days that have no slot: for a clock that is never set back. */
  nextLeap(now: number): number {
    const look = this.nextLook(now)
    let at = look
    while (at < look + FARTHEST && !this.#isDayOf(at)) at = Math.floor(at / DAY) * DAY + DAY
    return at
  }

  /** Whether the date may be one of the schedule, wherever the zone is. */
  #isDayOf(at: number): boolean {
    const day = Math.floor(at / DAY) * DAY
    const [hour = 0] = this.#hours
    const [minute = 0] = this.#minutes
    const time = hour * HOUR + minute * MINUTE + (this.#seconds[0] ?? 0)
    return [day - DAY, day, day + DAY].some((date) => this.#isDate(date + time))
  }

  /** To match takes 50 us, and each minute of a day asks for the same ones. */
  #isDate(at: number): boolean {
    const known = this.#dates.get(at)
    if (known !== undefined) return known
    const matches = this.#wall.match(new Date(at))
    if (this.#dates.size >= DATES) this.#dates.clear()
    this.#dates.set(at, matches)
    return matches
  }

  #isDue(minute: number, offset: number): boolean {
    // Most minutes are told by hour and minute alone, many times as fast as by asking for a match.
    const wall = new Date(minute + offset)
    if (!this.#minutes.has(wall.getUTCMinutes()) || !this.#hours.has(wall.getUTCHours())) return false
    if (!this.#zoned.match(new Date(minute + (this.#seconds[0] ?? 0)))) return false
    const repeated = SHIFTS.some((shift) => this.#offset(minute - shift) === offset + shift)
    return !(this.#followsWallClock && repeated)
  }

  /** Whether the schedule names a time from `from` up to `to`, wall-clock times that were left out. */
  #namesTimeWithin(from: number, to: number): boolean {
    if (!this.#followsWallClock) return false
    for (let skipped = from; skipped < to; skipped += MINUTE) {
      if (this.#wall.match(new Date(skipped + (this.#seconds[0] ?? 0)))) return true
    }
    return false
  }

  /** Milliseconds by which the zone's clocks are ahead of UTC. */
  #offset(at: number): number {
    if (this.#offsetText === undefined) return 0
    const [, sign, hours, minutes] = /GMT([+-])(\d\d):(\d\d)/.exec(this.#offsetText.format(at)) ?? []
    if (sign === undefined) return 0
    return (sign === '-' ? -1 : 1) * (Number(hours) * HOUR + Number(minutes) * MINUTE)
  }
}

/** A task that is never started: node-cron keeps a list of all it made, so it is taken off that at once. */
function matcher(expression: string, timezone: string): ScheduledTask {
  const task = cron.createTask(expression, () => {}, { timezone })
  void task.destroy()
  return task
}

const floor = (at: number): number => Math.floor(at / MINUTE) * MINUTE
