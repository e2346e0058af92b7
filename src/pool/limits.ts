/** The fixed bounds of the pool: what one call may produce and how calls are grouped on their way to a worker. */

/** Calls in one array; messages of 16 to 32 calls cost least per call. */
export const ARRAY_CALLS = 32
/** Arrays on their way to a worker or in it: one runs while the next waits, so the worker never idles between them. */
export const ARRAYS = 2
/** Calls of functions that may wait for their host, in one worker at a time: these travel alone. */
export const SEATS = 256
/** Bytes of answers that the main thread can read before they are posted, while a worker is in a call that does not end. */
export const KEPT_ANSWERS = 64 << 10
/**
 * Milliseconds that the calls of one array run for, by what their functions took before: whoever comes next waits for no
 * more than two arrays, however many calls of others there are.
 */
export const ARRAY_MS = 2
/** Mean milliseconds of its calls from which on a function runs apart from the others, and those below which it no longer does. */
export const APART_MS = { from: 2, below: 1 } as const
/** Threads that are started beyond the spare when every one but the first is held up, and how long they stay unused. */
export const EXTRA = { workers: 2, idleMs: 10_000 } as const
/**
 * What a call counts as at least that cost its instance, and at most, in milliseconds; and from what on the first of an
 * instance counts.
 */
export const COUNTED_MS = { broken: 20, cold: 50, most: 200 } as const
/**
 * A function of whose calls more than `share` break rests after each that does, while others are called: what it takes of the
 * machine serves nobody. Where all of them break it rests for so many times what the call ran, within bounds, in milliseconds;
 * for less where fewer do. Another counts as called until `neighbourMs` after its last call.
 */
export const REST = { share: 0.5, times: 49, leastMs: 100, mostMs: 10_000, neighbourMs: 1_000 } as const

/** Bytes in one array, so that a few large events do not hold up the main thread with one large copy. */
export const ARRAY_BYTES = 1 << 20

/** Bytes of one answer: reply and emitted events together, every string counted as often as it is named. */
export const RESULT_BYTES = 16 << 20
/** Events that one call may emit. */
export const RESULT_EVENTS = 1_000
/** Extension attributes of one emitted event. */
export const RESULT_EXTENSIONS = 100
/** Bytes of `log`, stdout and stderr that one call may write; the rest is dropped and counted. */
export const LOG_BYTES = 64 << 10
/** Lines that one call may write. */
export const LOG_LINES = 256
/** Characters of one line; the rest of it is cut. */
export const LOG_LINE = 8 << 10
/** Host resources (streams, pollables) that an instance may have open: each costs host memory that no cap covers. */
export const RESOURCES = 10_000
/** Bytes that its host may hold for an instance: headers, bodies that were not sent or read yet, names of files. */
export const HELD_BYTES = 64 << 20
/** What each item of a list counts beside its bytes when it is passed to the host: an empty one takes room there, too. */
export const ITEM_BYTES = 256
/** Keys that a function may name at once to a store. */
export const BATCH_KEYS = 10_000
/** Names of what one call was denied that are told; the rest is dropped. */
export const DENIALS = 16
/** Files and folders that one call may have open at once. */
export const OPEN_FILES = 64
/** Bytes that one call may write into files. */
export const WRITTEN_BYTES = 64 << 20
/** Bytes that a file may have after a function wrote to it. */
export const FILE_BYTES = 1 << 30
/** Files and folders that one call may make. */
export const MADE_FILES = 1_000
/** Names that are listed of a folder. */
export const LISTED = 100_000
/** Headers that a function may set on one message, and their bytes. */
export const HEADERS = 1_000
export const HEADER_BYTES = 256 << 10
/** Characters of the path of a request that a function sends, and of the host's name [RFC 1035, 2.3.4]. */
export const PATH_LENGTH = 8 << 10
export const HOST_LENGTH = 253
/** Bytes of what one call was given that are kept when it fails, where its function says nothing else. */
export const RECORD_BYTES = 64 << 10
/** Random bytes handed out at once. */
export const RANDOM_BYTES = 64 << 10

/** Entries that a table of a function may grow to: tables are host memory that the memory cap does not cover. */
export const TABLE_ENTRIES = 100_000
/** Linear memories and tables of one function. */
export const MEMORIES = 4
export const TABLES = 16

/** The longest that a function may have the next attempt wait. */
export const RETRY_AFTER_MS = 30 * 86_400_000

/** Calls after which an instance is replaced that may live as long as it is sound: engines with a garbage collector under a cap trap when never replaced. */
export const INSTANCE_CALLS = 5_000
/** Share of the room under the cap after which an instance is replaced, before it can trap. */
export const INSTANCE_FILL = 0.6

/** How often the main thread looks at running calls, in milliseconds: the most by which a deadline is overrun. */
export const WATCH_MS = 5
/** A worker in one call for longer than this gives its other calls back. */
export const HELD_MS = 10
/** Making an instance may take this long; the heaviest engine needs 20 ms, and a machine may be busy. */
export const START_MS = 10_000

/** How long a hint may keep instances: at a start so far back is looked for one that holds. */
export const LONGEST_HINT_MS = 7 * 86_400_000
