/**
 * The limits that a store and a host keep. Those of the protocol are copies of
 * `crates/baton/src/limits.rs`; `test/limits.test.ts` compares them with it.
 */

/** Bytes of a request's body. */
export const MAX_REQUEST_BYTES = 64 * 1024
/** Bytes of one frame's entries; its envelope adds less than {@link FRAME_ENVELOPE_BYTES}. */
export const MAX_FRAME_BYTES = 256 * 1024
/** Bytes of a snapshot. */
export const MAX_SNAPSHOT_BYTES = 2_000_000
/** Items of a room's inbox. */
export const MAX_INBOX_ITEMS = 4096
/** Requests that one invocation answers. */
export const MAX_BATCH = 256
/** Bytes of a user's id. */
export const MAX_USER_BYTES = 64
/** Bytes of a user's name. */
export const MAX_NAME_BYTES = 64
/** Frames per segment. */
export const SEGMENT = 64
/** For how long caches may hand out a public room's tail, in milliseconds, whole seconds. */
export const TAIL_MS = 1_000

/** What a frame's envelope adds to its entries, at most, in bytes. */
export const FRAME_ENVELOPE_BYTES = 256
/** Frames that a store keeps at hand, at most. A multiple of {@link SEGMENT}, and more than any `recent` setting. */
export const RING = 512
/** Bytes of frames that one read carries beside those that it must, so that a reply of the store stays small. */
export const RECENT_BYTES = 4 * 1024 * 1024
/** Bytes of a room's inbox. */
export const MAX_INBOX_BYTES = 8 * 1024 * 1024
/** Bytes of the attempt record beside a room's log. */
export const MAX_ATTEMPT_BYTES = 1024
/**
 * Effects that one invocation may ask for; more is a fault. A handler appends three times, then follows; where the rules
 * broke it tries eight things alone, each after a note.
 */
export const MAX_EFFECTS = 32
/** Live sockets of one room. */
export const MAX_SOCKETS = 4096
/** Bytes of a JSON body. */
export const MAX_JSON_BYTES = 4096
/** How deep the JSON of a request may nest. */
export const MAX_JSON_DEPTH = 4
