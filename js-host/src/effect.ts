/**
 * What a handler asks of its host, and what the host feeds back: the mirror of
 * `crates/baton/src/effect.rs`, which says what each field means. Pinned by the golden bytes of
 * `tests/golden/effects.json`. Must not know how an effect is performed.
 */

import { bool, bytes, type Codec, fixed, list, names, option, struct, text, u16, u32, u64, variants } from './codec'

/** The first 16 bytes of BLAKE3. */
export type Hash = Uint8Array

/** A point of a room's history. Version 0 with a hash of zeros is the empty room. */
export interface Head {
  v: number
  hash: Hash
}

/** Read a room, in one round trip. */
export interface Read {
  known: Head
  since: number
  block: number | null
}

/** The attempt record, compared before it is replaced. Where the store holds something else than `was`, it stays. */
export interface Note {
  was: Uint8Array | null
  /** `null` removes the record. */
  now: Uint8Array | null
}

/** Append frame `v` if and only if the last frame is `v - 1` with the hash `previous`. */
export interface Append {
  v: number
  previous: Hash
  hash: Hash
  /** What is kept. */
  frame: Uint8Array
  /** The same for open sockets, which have the frame before. Not kept. Empty: nobody is told. */
  published: Uint8Array
  lease_ms: number
  framed: number[]
  snapshot: Uint8Array | null
  /** What becomes of the attempt record if the frame is appended; `null` leaves it alone. */
  note: Note | null
}

/** A live lease: the frame that renewed it, and how long it has left. */
export interface Lease {
  v: number
  left_ms: number
}

/** An item of the inbox. */
export interface Item {
  id: number
  received_ms: number
  bytes: Uint8Array
}

/** What the store holds. */
export interface Found {
  clock_ms: number | null
  head: Head
  known: Hash | null
  trimmed: boolean
  snapshot: Uint8Array | null
  frames: Uint8Array[]
  inbox: Item[]
  lease: Lease | null
  block: Uint8Array[] | null
  /** The attempt record, if there is one. */
  attempt: Uint8Array | null
}

/** The verified user. */
export interface Identity {
  user: string
  name: string
}

/** What is asked of a room. */
export type Call =
  | { tag: 'play'; request: Uint8Array }
  | { tag: 'view' }
  | { tag: 'block'; first: number; last: number; hash: string }
  | { tag: 'watch' }
  /** What another room sent. Only a host says this, and without a user: nothing from outside may become it. */
  | { tag: 'deliver'; parcel: Uint8Array }
  /** For spectators: the frames that are in no full block yet; and the room at its head, for who has nothing. */
  | { tag: 'tail' }
  | { tag: 'snapshot' }
  /** For the operator: frames from a version on. Only a host says this, and without a user. */
  | { tag: 'log'; from: number }
  /** What the user of a room of their own has its server do. */
  | { tag: 'order'; order: Uint8Array }

/** A request as it arrives at a host. */
export interface Arrival {
  who: Identity | null
  call: Call
}

/** What the body of an outcome is. */
export type Content = 'reply' | 'json' | 'block' | 'empty'

/** The answer to an arrival. */
export interface Outcome {
  status: number
  content: Content
  body: Uint8Array
}

/** One duty of the host: perform it, feed its result back, until `reply`. */
export type Effect =
  | { tag: 'read'; read: Read }
  | { tag: 'append'; append: Append; read: Read }
  | { tag: 'push'; items: Uint8Array[]; read: Read }
  | { tag: 'reply'; outcomes: Outcome[] }
  /** Ask another room, `kind/name`, with a call of the same name. */
  | { tag: 'deliver'; target: string; parcel: Uint8Array }
  | { tag: 'note'; note: Note; read: Read }

/** The result of an effect. */
export type Fed =
  | { tag: 'read'; found: Found }
  | { tag: 'appended'; appended: boolean; found: Found }
  | { tag: 'pushed'; found: Found }
  | { tag: 'full'; found: Found }
  | { tag: 'failed' }
  /** The body of the other room's answer, if its status was 200; else the delivery has failed. */
  | { tag: 'delivered'; receipt: Uint8Array }
  | { tag: 'noted'; found: Found }

const hash: Codec<Hash> = fixed(16)
const head: Codec<Head> = struct({ v: u64, hash })
const read: Codec<Read> = struct({ known: head, since: u64, block: option(u64) })

const note: Codec<Note> = struct({ was: option(bytes), now: option(bytes) })

const append: Codec<Append> = struct({
  v: u64,
  previous: hash,
  hash,
  frame: bytes,
  published: bytes,
  lease_ms: u32,
  framed: list(u64),
  snapshot: option(bytes),
  note: option(note),
})

const found: Codec<Found> = struct({
  clock_ms: option(u64),
  head,
  known: option(hash),
  trimmed: bool,
  snapshot: option(bytes),
  frames: list(bytes),
  inbox: list(struct<Item>({ id: u64, received_ms: u64, bytes })),
  lease: option(struct<Lease>({ v: u64, left_ms: u32 })),
  block: option(list(bytes)),
  attempt: option(bytes),
})

const call: Codec<Call> = variants<Call>({
  play: { request: bytes },
  view: {},
  block: { first: u64, last: u64, hash: text },
  watch: {},
  deliver: { parcel: bytes },
  tail: {},
  snapshot: {},
  log: { from: u64 },
  order: { order: bytes },
})

/** An answer. */
export const outcome: Codec<Outcome> = struct({
  status: u16,
  content: names('reply', 'json', 'block', 'empty'),
  body: bytes,
})

/** The answers of one invocation. */
export const outcomes: Codec<Outcome[]> = list(outcome)

/** A request. */
export const arrival: Codec<Arrival> = struct({ who: option(struct<Identity>({ user: text, name: text })), call })

/** Requests that share one invocation. */
export const arrivals: Codec<Arrival[]> = list(arrival)

/** An effect. */
export const effect: Codec<Effect> = variants<Effect>({
  read: { read },
  append: { append, read },
  push: { items: list(bytes), read },
  reply: { outcomes },
  deliver: { target: text, parcel: bytes },
  note: { note, read },
})

/** A result. */
export const fed: Codec<Fed> = variants<Fed>({
  read: { found },
  appended: { appended: bool, found },
  pushed: { found },
  full: { found },
  failed: {},
  delivered: { receipt: bytes },
  noted: { found },
})

/** The empty room's head. */
export function nothing(): Head {
  return { v: 0, hash: new Uint8Array(16) }
}

/** Whether two hashes, or any two byte strings that are no secrets, are the same. */
export function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at])
}
