/**
 * What `src/store.ts` promises, as cases that any store must pass. Plain functions: the same cases
 * run in vitest on one store, in workerd on another, and on broken stores, which must fail some.
 */

import assert from 'node:assert/strict'
import { blake3 } from '@noble/hashes/blake3.js'
import { Writer } from '../src/codec'
import { type Append, equal, type Found, type Hash, nothing, type Read } from '../src/effect'
import {
  MAX_ATTEMPT_BYTES,
  MAX_FRAME_BYTES,
  MAX_INBOX_BYTES,
  MAX_INBOX_ITEMS,
  MAX_SNAPSHOT_BYTES,
  RECENT_BYTES,
  RING,
  SEGMENT,
} from '../src/limits'
import type { Store } from '../src/store'

/** In what stores may differ. */
export interface Traits {
  /** Whether it tells its clock. */
  clock: boolean
  /** Frames that it keeps at hand; null: it tells of every frame that it still has. */
  ring: number | null
  /** Bytes of them that one read carries; null: as many as there are. */
  recent_bytes: number | null
  /** Bytes of each frame of a segment that it keeps whole. */
  large_bytes: number
  inbox_bytes: number
}

/** What most do. */
const USUAL: Traits = {
  clock: true,
  ring: RING,
  recent_bytes: RECENT_BYTES,
  large_bytes: 80_000,
  inbox_bytes: MAX_INBOX_BYTES,
}

/** A store under test. */
export interface Subject {
  store: Store
  /** Where it is not as most. */
  traits?: Partial<Traits>
  /** Lets time pass by the store's clock. */
  pass(ms: number): Promise<void>
  /** The store's clock, roughly. */
  now(): number
  /** Appends in order, where many single calls take too long. */
  appendAll?(room: string, appends: Append[]): Promise<boolean[]>
}

/** A promise of every store. */
export interface Case {
  name: string
  run(subject: Subject, room: string): Promise<void>
}

/** A lease that a test waits out. */
const LEASE_MS = 1000
/** A lease that lives as long as the test. */
const LONG_MS = 60_000
/** How late a real store may answer, and how far a real clock may be from {@link Subject.now} when it is read. */
const SLACK_MS = 900

function traitsOf({ traits }: Subject): Traits {
  return { ...USUAL, ...traits }
}

interface Forged {
  frame: Uint8Array
  hash: Hash
}

/** Bytes with the envelope of a frame, which is all that any store looks at. */
export function forge(v: number, previous: Hash, tail: Uint8Array, branch = 0): Forged {
  const out = new Writer()
  out.byte(FORMAT)
  out.varint(v)
  out.raw(previous)
  // Writer, epoch, nonce, rules, tick and time.
  out.raw(new Uint8Array(8).fill(branch))
  out.varint(1)
  out.raw(new Uint8Array(8))
  for (const _ of ['rules', 'tick', 'time']) out.varint(0)
  out.raw(tail)
  const frame = out.finish()
  return { frame, hash: blake3(frame).slice(0, 16) }
}

const FORMAT = 1
const TAIL = new Uint8Array([0, 255, 128, 10, 13])
const forged = new Map<string, Forged>()

/** Frame `v` on a chain; `branch` tells what follows the same frame apart. */
function forgedOf(v: number, branch: number): Forged {
  const id = `${v}/${branch}`
  const known = forged.get(id) ?? forge(v, hashOf(v - 1), TAIL, branch)
  forged.set(id, known)
  return known
}

function hashOf(v: number, branch = 0): Hash {
  return v === 0 ? nothing().hash : forgedOf(v, branch).hash
}

function frameOf(v: number, branch = 0): Uint8Array {
  return forgedOf(v, branch).frame
}

/** Appends of a chain of their own, each frame with the same bytes at its end. */
function chain(length: number, tail: Uint8Array): Append[] {
  const all: Append[] = []
  for (let v = 1; v <= length; v++) {
    const previous = all.at(-1)?.hash ?? nothing().hash
    all.push(append(v, { previous, ...forge(v, previous, tail) }))
  }
  return all
}

/** As who has these frames reads. */
function after(all: Append[], more: Partial<Read> = {}): Read {
  const { v, hash } = all.at(-1) ?? nothing()
  return { known: { v, hash }, since: v, block: null, ...more }
}

function frames(from: number, to: number): Uint8Array[] {
  return Array.from({ length: to - from + 1 }, (_, at) => frameOf(from + at))
}

function append(v: number, more: Partial<Append> = {}): Append {
  const usual = {
    previous: hashOf(v - 1),
    hash: hashOf(v),
    frame: frameOf(v),
    published: new Uint8Array(),
    lease_ms: LONG_MS,
  }
  return { v, ...usual, framed: [], snapshot: null, note: null, ...more }
}

function read(known = 0, more: Partial<Read> = {}): Read {
  return { known: { v: known, hash: hashOf(known) }, since: known, block: null, ...more }
}

/** The append of another instance that believes it leads. */
function rival(v: number, more: Partial<Append> = {}): Append {
  return append(v, { hash: hashOf(v, 7), frame: frameOf(v, 7), ...more })
}

function snapshotOf(v: number): Uint8Array {
  return new TextEncoder().encode(`the room at ${v}`)
}

/** Appends `from..=to`, with a snapshot at the end of each segment. */
async function grow(subject: Subject, room: string, from: number, to: number, snapshots = true): Promise<void> {
  const all = Array.from({ length: to - from + 1 }, (_, at) => {
    const v = from + at
    return append(v, { snapshot: snapshots && v % SEGMENT === 0 ? snapshotOf(v) : null })
  })
  const appended = subject.appendAll ? await subject.appendAll(room, all) : await oneByOne(subject.store, room, all)
  assert.deepEqual(new Set(appended), new Set([true]))
}

async function oneByOne(store: Store, room: string, all: Append[]): Promise<boolean[]> {
  const appended: boolean[] = []
  for (const each of all) appended.push((await store.append(room, each, read(each.v))).appended)
  return appended
}

function items(...texts: string[]): Uint8Array[] {
  return texts.map((text) => new TextEncoder().encode(text))
}

function inboxOf(found: Found): string[] {
  return found.inbox.map((item) => new TextDecoder().decode(item.bytes))
}

/** What a lost or refused call must leave as it was. */
function standing(found: Found) {
  const { head, frames, inbox, snapshot } = found
  return { head, frames, inbox, snapshot, lease: found.lease?.v }
}

async function noise(length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
  return bytes
}

/** All promises, one case each. */
export const storeContract: Case[] = [
  {
    name: 'a room that nobody wrote to is empty',
    async run(subject, room) {
      const { clock_ms, ...found } = await subject.store.read(room, read())
      assert.deepEqual(found, {
        head: nothing(),
        known: null,
        trimmed: false,
        snapshot: null,
        frames: [],
        inbox: [],
        lease: null,
        block: null,
        attempt: null,
      })
      assert.equal(clock_ms !== null, traitsOf(subject).clock)
    },
  },
  {
    name: 'what was appended is found, byte for byte, by the same call and by the next',
    async run({ store }, room) {
      const one = await store.append(room, append(1), read())
      assert.equal(one.appended, true)
      assert.deepEqual(one.found.head, { v: 1, hash: hashOf(1) })
      assert.deepEqual(one.found.frames, frames(1, 1))
      const every = append(
        2,
        forge(
          2,
          hashOf(1),
          Uint8Array.from({ length: 256 }, (_, at) => at),
        ),
      )
      await store.append(room, every, read(1))
      assert.deepEqual((await store.read(room, read(1))).frames, [every.frame])
      assert.deepEqual((await store.read(room, after([every]))).frames, [])
      assert.deepEqual((await store.read(room, after([every]))).known, every.hash)
    },
  },
  {
    name: 'a version beyond the next is lost, and so is one below',
    async run(subject, room) {
      const { store } = subject
      await grow(subject, room, 1, 3)
      const before = standing(await store.read(room, read()))
      for (const v of [5, 6, 1000]) assert.equal((await store.append(room, rival(v), read())).appended, false)
      for (const v of [1, 2, 3]) assert.equal((await store.append(room, rival(v), read())).appended, false)
      assert.deepEqual(standing(await store.read(room, read())), before)
    },
  },
  {
    name: 'a version beyond the next is lost though it names the last frame',
    async run(subject, room) {
      const { store } = subject
      await grow(subject, room, 1, 3)
      for (const v of [3, 5, 6]) {
        const stray = rival(v, { previous: hashOf(3) })
        assert.equal((await store.append(room, stray, read())).appended, false)
      }
      assert.deepEqual((await store.read(room, read())).frames, frames(1, 3))
    },
  },
  {
    name: 'the first frame names the empty room',
    async run({ store }, room) {
      const stray = append(1, { previous: hashOf(9, 3) })
      assert.equal((await store.append(room, stray, read())).appended, false)
      assert.equal((await store.append(room, append(1), read())).appended, true)
    },
  },
  {
    name: 'the next version with another previous hash is lost',
    async run(subject, room) {
      const { store } = subject
      await grow(subject, room, 1, 2)
      const forked = append(3, { previous: hashOf(2, 7) })
      const { appended, found } = await store.append(room, forked, read(2))
      assert.equal(appended, false)
      assert.deepEqual(found.head, { v: 2, hash: hashOf(2) })
      assert.deepEqual(found.frames, [])
    },
  },
  {
    name: 'of many appends at once for one version, one is appended',
    async run(subject, room) {
      const { store } = subject
      await grow(subject, room, 1, 1)
      const all = Array.from({ length: 8 }, (_, at) => append(2, { hash: hashOf(2, at), frame: frameOf(2, at) }))
      const results = await Promise.all(all.map((each) => store.append(room, each, read(1))))
      const won = results.flatMap((result, at) => (result.appended ? [at] : []))
      assert.equal(won.length, 1)
      assert.deepEqual((await store.read(room, read(1))).frames, [frameOf(2, won[0])])
      for (const { found } of results) assert.equal(found.head.v, 2)
    },
  },
  {
    name: 'the same append a second time is appended again and changes nothing',
    async run({ store, pass }, room) {
      const { found } = await store.push(room, items('a', 'b'), read())
      const ids = found.inbox.map((item) => item.id)
      const first = append(1, { framed: ids.slice(0, 1), lease_ms: LEASE_MS })
      assert.equal((await store.append(room, first, read())).appended, true)
      await pass(LEASE_MS + 50)
      const again = await store.append(room, { ...first, framed: ids }, read())
      assert.equal(again.appended, true)
      assert.deepEqual(inboxOf(again.found), ['b'])
      assert.equal(again.found.lease, null)
      await store.append(room, append(2), read())
      assert.equal((await store.append(room, first, read())).appended, true)
      assert.equal((await store.read(room, read())).head.v, 2)
    },
  },
  {
    name: 'exactly the framed items are removed',
    async run({ store }, room) {
      const { found } = await store.push(room, items('a', 'b', 'c', 'd'), read())
      const ids = found.inbox.map((item) => item.id)
      const [first = 0, , third = 0] = ids
      const meanwhile = await store.push(room, items('e'), read())
      assert.deepEqual(inboxOf(meanwhile.found), ['a', 'b', 'c', 'd', 'e'])
      const unknown = Math.max(...ids) + 1000
      const after = await store.append(room, append(1, { framed: [first, third, unknown] }), read())
      assert.deepEqual(inboxOf(after.found), ['b', 'd', 'e'])
    },
  },
  {
    name: 'a lost append removes no item, renews no lease and keeps no snapshot',
    async run(subject, room) {
      const { store, pass } = subject
      await store.append(room, append(1, { lease_ms: LEASE_MS }), read())
      const { found } = await store.push(room, items('a', 'b'), read(1))
      await pass(LEASE_MS + 50)
      const framed = found.inbox.map((item) => item.id)
      for (const late of [rival(1, { framed }), rival(4, { framed, snapshot: snapshotOf(4) })]) {
        const lost = await store.append(room, late, read(9))
        assert.equal(lost.appended, false)
        assert.deepEqual(inboxOf(lost.found), ['a', 'b'])
        assert.equal(lost.found.lease, null)
        assert.equal(lost.found.snapshot, null)
      }
    },
  },
  {
    name: 'a record is replaced where it is the one named, and stays where it is not',
    async run({ store }, room) {
      const [one, two, other] = items('one', 'two', 'other') as [Uint8Array, Uint8Array, Uint8Array]
      const noted = async (was: Uint8Array | null, now: Uint8Array | null) =>
        (await store.note(room, { was, now }, read())).attempt
      assert.deepEqual(await noted(one, two), null)
      assert.deepEqual(await noted(null, one), one)
      assert.deepEqual((await store.read(room, read())).attempt, one)
      assert.deepEqual(await noted(null, two), one)
      assert.deepEqual(await noted(other, two), one)
      assert.deepEqual(await noted(one, two), two)
      assert.deepEqual(await noted(two, null), null)
      await store.append(room, append(1), read())
      assert.deepEqual(await noted(null, one), null)
      const now = await store.note(room, { was: null, now: one }, read(1))
      assert.deepEqual(now.attempt, one)
      await store.note(room, { was: one, now: null }, read(1))
      await assert.rejects(store.note(room, { was: null, now: new Uint8Array(MAX_ATTEMPT_BYTES + 1) }, read()))
      assert.deepEqual((await store.read(room, read())).attempt, null)
    },
  },
  {
    name: 'with a frame goes what becomes of the record, and only with it',
    async run({ store }, room) {
      const [one, two] = items('one', 'two') as [Uint8Array, Uint8Array]
      await store.note(room, { was: null, now: one }, read())
      const attempt = async (...[append]: [Append]) => (await store.append(room, append, read())).found.attempt
      assert.deepEqual(await attempt(rival(9, { note: { was: one, now: null } })), one)
      assert.deepEqual(await attempt(append(1)), one)
      assert.deepEqual(await attempt(append(2, { note: { was: two, now: null } })), one)
      assert.deepEqual(await attempt(append(3, { note: { was: one, now: two } })), two)
      assert.deepEqual(await attempt(append(3, { note: { was: two, now: one } })), two)
      assert.deepEqual(await attempt(append(4, { note: { was: two, now: null } })), null)
      assert.equal((await store.read(room, read())).head.v, 4)
    },
  },
  {
    name: 'the lease is of the last frame and ends by the clock of the store',
    async run({ store, pass }, room) {
      const first = await store.append(room, append(1, { lease_ms: LEASE_MS }), read())
      assert.equal(first.found.lease?.v, 1)
      const left_ms = first.found.lease.left_ms
      assert.ok(left_ms > LEASE_MS - SLACK_MS && left_ms <= LEASE_MS, `${left_ms} ms left`)
      const second = await store.append(room, append(2), read())
      assert.equal(second.found.lease?.v, 2)
      assert.ok(second.found.lease.left_ms > 50_000)
      await store.append(room, append(3, { lease_ms: LEASE_MS }), read())
      await pass(LEASE_MS + 50)
      assert.equal((await store.read(room, read())).lease, null)
      await store.push(room, items('a'), read())
      assert.equal((await store.read(room, read())).lease, null)
    },
  },
  {
    name: 'the clock is told, and stamps what is pushed',
    async run(subject, room) {
      const { store, now } = subject
      const { clock_ms } = await store.read(room, read())
      if (traitsOf(subject).clock) assert.ok(Math.abs((clock_ms ?? 0) - now()) < SLACK_MS)
      const { found } = await store.push(room, items('a'), read())
      assert.ok(Math.abs((found.inbox[0]?.received_ms ?? 0) - now()) < SLACK_MS)
    },
  },
  {
    name: 'the inbox keeps its order and never uses a number twice',
    async run({ store }, room) {
      const seen: number[] = []
      for (let v = 1; v <= 4; v++) {
        const { found } = await store.push(room, items('a', ''), read())
        const ids = found.inbox.map((item) => item.id)
        seen.push(...ids)
        assert.deepEqual(inboxOf(found), ['a', ''])
        const { appended } = await store.append(room, append(v, { framed: ids }), read())
        assert.equal(appended, true)
      }
      assert.deepEqual(
        seen,
        [...new Set(seen)].sort((one, other) => one - other),
      )
    },
  },
  {
    name: 'a push that does not fit is refused whole, and framing makes room again',
    async run({ store }, room) {
      const most = Array.from({ length: MAX_INBOX_ITEMS - 1 }, () => new Uint8Array([1]))
      assert.equal((await store.push(room, most, read())).full, false)
      const two = await store.push(room, items('a', 'b'), read())
      assert.equal(two.full, true)
      assert.equal(two.found.inbox.length, MAX_INBOX_ITEMS - 1)
      assert.equal((await store.push(room, items('a'), read())).full, false)
      const { found } = await store.read(room, read()).then(async (before) => {
        const framed = before.inbox.slice(0, 2).map((item) => item.id)
        return store.append(room, append(1, { framed }), read())
      })
      assert.equal(found.inbox.length, MAX_INBOX_ITEMS - 2)
      assert.equal((await store.push(room, items('b', 'c'), read())).full, false)
    },
  },
  {
    name: 'an inbox is bounded in bytes as well',
    async run(subject, room) {
      const { store } = subject
      const size = 40 * 1024
      const fit = Math.floor(traitsOf(subject).inbox_bytes / size)
      const big = (count: number) => Array.from({ length: count }, () => new Uint8Array(size))
      const half = Math.floor(fit / 2)
      assert.equal((await store.push(room, big(half), read())).full, false)
      assert.equal((await store.push(room, big(fit - half), read())).full, false)
      assert.equal((await store.push(room, big(1), read())).full, true)
    },
  },
  {
    name: 'the frames after the lower of known and since are found',
    async run(subject, room) {
      const { store } = subject
      await grow(subject, room, 1, 10)
      const at = async (known: number, since: number) => (await store.read(room, read(known, { since }))).frames
      assert.deepEqual(await at(7, 7), frames(8, 10))
      assert.deepEqual(await at(7, 3), frames(4, 10))
      assert.deepEqual(await at(7, 9), frames(8, 10))
      assert.deepEqual(await at(10, 10), [])
      assert.deepEqual(await at(10, 0), frames(1, 10))
      assert.deepEqual(await at(0, 9), frames(1, 10))
    },
  },
  {
    name: 'a known frame with another hash is a break: the hash that is there, and a fresh start',
    async run(subject, room) {
      const { store } = subject
      await grow(subject, room, 1, SEGMENT + 3)
      const wrong: Read = { known: { v: SEGMENT + 2, hash: hashOf(SEGMENT + 2, 7) }, since: SEGMENT + 2, block: null }
      const found = await store.read(room, wrong)
      assert.deepEqual(found.known, hashOf(SEGMENT + 2))
      assert.equal(found.trimmed, false)
      assert.deepEqual(found.snapshot, snapshotOf(SEGMENT))
      assert.deepEqual(found.frames, frames(SEGMENT + 1, SEGMENT + 3))
    },
  },
  {
    name: 'a known frame beyond the head is a break',
    async run(subject, room) {
      const { store } = subject
      await grow(subject, room, 1, 5)
      const found = await store.read(room, read(6))
      assert.equal(found.known, null)
      assert.equal(found.trimmed, false)
      assert.equal(found.snapshot, null)
      assert.deepEqual(found.frames, frames(1, 5))
    },
  },
  {
    name: 'who knows nothing gets the newest snapshot, though every frame is at hand',
    async run(subject, room) {
      const { store } = subject
      await grow(subject, room, 1, 2 * SEGMENT + 3)
      const cold = await store.read(room, read(0, { since: Number.MAX_SAFE_INTEGER }))
      assert.equal(cold.trimmed, false)
      assert.equal(cold.known, null)
      assert.deepEqual(cold.snapshot, snapshotOf(2 * SEGMENT))
      assert.deepEqual(cold.frames, frames(2 * SEGMENT + 1, 2 * SEGMENT + 3))
      const client = await store.read(room, read(0, { since: 5 }))
      assert.deepEqual(client.snapshot, snapshotOf(2 * SEGMENT))
      assert.deepEqual(client.frames, frames(6, 2 * SEGMENT + 3))
    },
  },
  {
    name: 'a known frame that is no longer at hand is trimmed, and the newest snapshot stands in',
    async run(subject, room) {
      const { store } = subject
      const { ring } = traitsOf(subject)
      const head = (ring ?? RING) + 2 * SEGMENT + 5
      await grow(subject, room, 1, head)
      const base = Math.floor(head / SEGMENT) * SEGMENT
      for (const known of ring === null ? [] : [1, head - ring]) {
        const found = await store.read(room, read(known))
        assert.equal(found.known, null)
        assert.equal(found.trimmed, true)
        assert.deepEqual(found.snapshot, snapshotOf(base))
      }
      const cold = await store.read(room, read(0, { since: base + 2 }))
      assert.equal(cold.trimmed, false)
      assert.deepEqual(cold.snapshot, snapshotOf(base))
      assert.deepEqual(cold.frames, frames(base + 1, head))
      const client = await store.read(room, read(0, { since: base - 10 }))
      assert.deepEqual(client.frames, frames(base - 9, head))
      if (ring === null) return
      const warm = await store.read(room, read(head - ring + 1, { since: 3 }))
      assert.equal(warm.trimmed, false)
      assert.equal(warm.snapshot, null)
      assert.deepEqual(warm.frames, frames(head - ring + 1, head))
    },
  },
  {
    name: 'without a snapshot a cold reader gets every frame from the first',
    async run(subject, room) {
      const { store } = subject
      const head = RING + SEGMENT + 7
      await grow(subject, room, 1, head, false)
      const found = await store.read(room, read())
      assert.equal(found.snapshot, null)
      assert.deepEqual(found.frames, frames(1, head))
    },
  },
  {
    name: 'a full, aligned block is found for ever; nothing else is a block',
    async run(subject, room) {
      const { store } = subject
      await grow(subject, room, 1, RING + SEGMENT + 1)
      const block = async (last: number) => (await store.read(room, read(0, { block: last }))).block
      assert.deepEqual(await block(SEGMENT), frames(1, SEGMENT))
      assert.deepEqual(await block(RING + SEGMENT), frames(RING + 1, RING + SEGMENT))
      for (const last of [0, 1, SEGMENT - 1, SEGMENT + 1, RING + 2 * SEGMENT]) assert.equal(await block(last), null)
    },
  },
  {
    name: 'frames are recent only as far as their bytes go',
    async run(subject, room) {
      const { store } = subject
      const { recent_bytes } = traitsOf(subject)
      if (recent_bytes === null) return
      const fit = Math.floor(recent_bytes / MAX_FRAME_BYTES)
      const all = chain(fit + 4, await noise(MAX_FRAME_BYTES - 100))
      for (const each of all) await store.append(room, each, after([each]))
      const warm = await store.read(room, after(all, { since: 0 }))
      assert.equal(warm.frames.length, fit)
      const cold = await store.read(room, after(all.slice(0, 1)))
      assert.equal(cold.trimmed, false)
      assert.deepEqual(cold.known, all[0]?.hash)
      assert.equal(cold.frames.length, fit + 4)
    },
  },
  {
    name: 'a segment of large frames is kept',
    async run(subject, room) {
      const { store } = subject
      const all = chain(SEGMENT, await noise(traitsOf(subject).large_bytes))
      for (const each of all) await store.append(room, each, after([each]))
      const { block } = await store.read(room, after(all, { block: SEGMENT }))
      assert.equal(block?.length, SEGMENT)
      assert.ok(block.every((each, at) => equal(each, all[at]?.frame ?? new Uint8Array())))
    },
  },
  {
    name: 'a frame, snapshot or item over its limit is refused, and nothing changed',
    async run(subject, room) {
      const { store } = subject
      await grow(subject, room, 1, SEGMENT - 1)
      const pushed = await store.push(room, items('a'), read(SEGMENT - 1))
      const framed = pushed.found.inbox.map((item) => item.id)
      const large = await noise(MAX_SNAPSHOT_BYTES)
      const last = append(SEGMENT, { snapshot: large })
      assert.equal((await store.append(room, last, read(SEGMENT - 1))).appended, true)
      const cold = async () => {
        const { snapshot, ...rest } = standing(await store.read(room, read()))
        // Of two megabytes that differ no difference is shown: it would be larger than any memory.
        assert.ok(snapshot && equal(snapshot, large))
        return rest
      }
      const before = await cold()
      const v = SEGMENT + 1
      const over = new Uint8Array(MAX_SNAPSHOT_BYTES + 1)
      await assert.rejects(store.append(room, append(v, { snapshot: over, framed }), read(SEGMENT)))
      await assert.rejects(store.append(room, append(v, { frame: over.subarray(0, 300_000), framed }), read(SEGMENT)))
      await assert.rejects(store.push(room, [...items('b'), over.subarray(0, 70_000)], read(SEGMENT)))
      assert.deepEqual(await cold(), before)
    },
  },
  {
    name: 'rooms do not mix',
    async run({ store }, room) {
      await store.append(room, append(1), read())
      await store.push(room, items('a'), read())
      for (const other of [`${room}-`, `${room}0`, `x${room}`]) {
        const found = await store.read(other, read())
        assert.equal(found.head.v, 0)
        assert.deepEqual(found.inbox, [])
        assert.equal((await store.append(other, rival(1), read())).appended, true)
      }
      assert.deepEqual((await store.read(room, read())).frames, frames(1, 1))
    },
  },
]
