/**
 * The wire between client and host, and frames, in TypeScript: so that tests can send what no
 * honest client sends, and look into what comes back. Mirrors `crates/baton/src/{wire,frame}.rs`;
 * pinned by the same golden bytes.
 */

import {
  bool,
  bytes,
  type Codec,
  decode,
  encode,
  fixed,
  list,
  option,
  struct,
  text,
  u16,
  u32,
  u64,
  variants,
} from '../../js-host/src/codec'
import type { Head } from '../../js-host/src/effect'

const head: Codec<Head> = struct({ v: u64, hash: fixed(16) })
/** A u8 is one byte, whatever its value. */
const u8: Codec<number> = { write: (out, value) => out.byte(value), read: (from) => from.byte() }

/** Whether the session is open: nothing said, here, leaving. */
export const PRESENCE = { unsaid: 0, here: 1, leaving: 2 } as const

export interface Sent {
  seq: number
  version: number
  body: Uint8Array
}

export interface Hail {
  id: Uint8Array
  number: number | null
  session: number
  client: number
  presence: number
  answered: number
  kept_from: number
  actions: Sent[]
}

export interface Request {
  protocol: number
  cursor: Head
  rules: number
  frames: number
  device: Hail | null
}

export const request: Codec<Request> = struct({
  protocol: u8,
  cursor: head,
  rules: u32,
  frames: u8,
  device: option(
    struct<Hail>({
      id: fixed(16),
      number: option(u32),
      session: u32,
      client: u16,
      presence: u32,
      answered: u64,
      kept_from: u64,
      actions: list(struct<Sent>({ seq: u64, version: u32, body: bytes })),
    }),
  ),
})

export type News =
  | { tag: 'frames'; frames: Uint8Array[] }
  | { tag: 'snapshot'; room: Uint8Array }
  | { tag: 'reset'; room: Uint8Array }

export interface Standing {
  number: number
  mark: number
  verdicts: number[]
}

export interface Reply {
  protocol: number
  lineage: Uint8Array
  head: Head
  rules: number
  now_ms: number
  ask_ms: number
  news: News
  device: Standing | null
}

export const reply: Codec<Reply> = struct({
  protocol: u8,
  lineage: fixed(8),
  head,
  rules: u32,
  now_ms: u64,
  ask_ms: u32,
  news: variants<News>({ frames: { frames: list(bytes) }, snapshot: { room: bytes }, reset: { room: bytes } }),
  device: option(struct<Standing>({ number: u32, mark: u64, verdicts: list(u16) })),
})

export interface Order {
  protocol: number
  device: Uint8Array
  registration: number
  number: number
  body: Uint8Array
}

/** What a user of a personal room has its server do. */
export const order: Codec<Order> = struct({
  protocol: u8,
  device: fixed(16),
  registration: u32,
  number: u64,
  body: bytes,
})

export type OrderFate =
  | { tag: 'waits'; ask_ms: number }
  | { tag: 'done' }
  | { tag: 'refused'; code: number }
  | { tag: 'taken'; mark: number }

/** What became of it. */
export const ordered: Codec<{ protocol: number; fate: OrderFate }> = struct({
  protocol: u8,
  fate: variants<OrderFate>({ waits: { ask_ms: u32 }, done: {}, refused: { code: u16 }, taken: { mark: u64 } }),
})

/** What is in a frame, as `crates/baton/src/frame.rs` has it. */
export type Entry =
  | { tag: 'setup'; kind: string; rules: Uint8Array; version: number; config: Uint8Array }
  | { tag: 'register'; user: string; name: string; id: Uint8Array; client: number }
  | { tag: 'join'; device: number; session: number; at: number }
  | { tag: 'beat'; device: number; session: number; at: number }
  | { tag: 'leave'; device: number; session: number; at: number }
  | { tag: 'act'; device: number; seq: number; body: Uint8Array }
  | { tag: 'reject'; device: number; seq: number; code: number; body: Uint8Array }
  | { tag: 'acknowledge'; target: string; lineage: Uint8Array; upto: number; read_ms: number }
  | { tag: 'cut'; why: number; skip_ms: number }
  | { tag: 'reset'; lost: Uint8Array }
  | { tag: 'vouch'; device: number; mark: number }
  | { tag: 'evict'; device: number }
  | { tag: 'receive'; sender: string; lineage: Uint8Array; number: number; body: Uint8Array }
  | { tag: 'decline'; sender: string; lineage: Uint8Array; number: number; code: number; body: Uint8Array }
  | { tag: 'switch'; rules: Uint8Array; version: number; open: boolean }
  | { tag: 'upcast'; device: number; seq: number; version: number; body: Uint8Array }
  | { tag: 'halt' }
  | { tag: 'due' }

export interface Frame {
  format: number
  v: number
  previous: Uint8Array
  writer: Uint8Array
  epoch: number
  nonce: Uint8Array
  rules: number
  tick: number
  time_ms: number
  entries: Entry[]
  state: Uint8Array
}

const session = { device: u32, session: u32, at: u32 }

const sent = { sender: text, lineage: fixed(8), number: u64 }

const entry = variants<Entry>({
  setup: { kind: text, rules: fixed(16), version: u32, config: bytes },
  register: { user: text, name: text, id: fixed(16), client: u16 },
  join: session,
  beat: session,
  leave: session,
  act: { device: u32, seq: u64, body: bytes },
  reject: { device: u32, seq: u64, code: u16, body: fixed(4) },
  acknowledge: { target: text, lineage: fixed(8), upto: u64, read_ms: u64 },
  cut: { why: u32, skip_ms: u64 },
  reset: { lost: fixed(8) },
  vouch: { device: u32, mark: u64 },
  evict: { device: u32 },
  receive: { ...sent, body: bytes },
  decline: { ...sent, code: u16, body: fixed(4) },
  switch: { rules: fixed(16), version: u32, open: bool },
  upcast: { device: u32, seq: u64, version: u32, body: bytes },
  halt: {},
  due: {},
})

export const frame: Codec<Frame> = struct<Frame>({
  format: u8,
  v: u64,
  previous: fixed(16),
  writer: fixed(8),
  epoch: u64,
  nonce: fixed(8),
  rules: u8,
  tick: u64,
  time_ms: u64,
  entries: list(entry),
  state: fixed(16),
})

export { decode, encode }
