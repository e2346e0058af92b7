/** Names for what has none: UUIDv7, which sorts by time (Node has it from 26 on only; 24 is supported). */

/** Returns a new UUIDv7; those of one process rise in the order they were asked for. */
export { v7 as uuidv7 } from 'uuid'
