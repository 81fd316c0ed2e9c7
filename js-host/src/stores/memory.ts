/**
 * Rooms in memory: for tests, and for rooms that need not outlive the process. The clock is an
 * input. Keeps every frame; hands out only the recent ones, as the stores do that must forget.
 */

import { type Append, equal, type Found, type Head, type Item, type Note, nothing, type Read } from '../effect'
import { RECENT_BYTES, RING, SEGMENT } from '../limits'
import type { Store } from '../store'
import { hasRoom, refuseLongNote, refuseOversized } from './refuse'

interface Room {
  /** The frame of version v is at v - 1. */
  frames: { hash: Uint8Array; bytes: Uint8Array }[]
  snapshots: { v: number; hash: Uint8Array; bytes: Uint8Array }[]
  inbox: Item[]
  nextItem: number
  lease: { v: number; until_ms: number } | null
  attempt: Uint8Array | null
}

/** A store of rooms in memory. */
export class MemoryStore implements Store {
  readonly #rooms = new Map<string, Room>()
  readonly #now: () => number
  readonly #appended: (room: string, published: Uint8Array) => void

  /** `now`: milliseconds since 1970. `appended`: told what is published of each frame after it was appended. */
  constructor(now: () => number = Date.now, appended: (room: string, published: Uint8Array) => void = () => {}) {
    this.#now = now
    this.#appended = appended
  }

  async read(name: string, read: Read): Promise<Found> {
    return this.#find(this.#rooms.get(name) ?? empty(), read)
  }

  async append(name: string, append: Append, read: Read): Promise<{ appended: boolean; found: Found }> {
    refuseOversized(append)
    const room = this.#room(name)
    const last = headOf(room)
    const next = last.v + 1 === append.v && equal(last.hash, append.previous)
    if (next) {
      room.frames.push({ hash: append.hash, bytes: append.frame })
      room.lease = append.lease_ms > 0 ? { v: append.v, until_ms: this.#now() + append.lease_ms } : null
      room.inbox = room.inbox.filter((item) => !append.framed.includes(item.id))
      if (append.snapshot) room.snapshots.push({ v: append.v, hash: append.hash, bytes: append.snapshot })
      if (append.note) keepNote(room, append.note)
      this.#appended(name, append.published)
    }
    const there = room.frames[append.v - 1]
    return { appended: there !== undefined && equal(there.hash, append.hash), found: this.#find(room, read) }
  }

  async push(name: string, items: Uint8Array[], read: Read): Promise<{ full: boolean; found: Found }> {
    const room = this.#room(name)
    const bytes = room.inbox.reduce((sum, item) => sum + item.bytes.length, 0)
    const full = !hasRoom({ items: room.inbox.length, bytes }, items)
    if (!full) {
      for (const bytes of items) room.inbox.push({ id: room.nextItem++, received_ms: this.#now(), bytes })
    }
    return { full, found: this.#find(room, read) }
  }

  async note(name: string, note: Note, read: Read): Promise<Found> {
    refuseLongNote(note)
    const room = this.#room(name)
    const { v, hash } = headOf(room)
    if (read.known.v === v && equal(read.known.hash, hash)) keepNote(room, note)
    return this.#find(room, read)
  }

  #room(name: string): Room {
    const known = this.#rooms.get(name)
    if (known) return known
    const room = empty()
    this.#rooms.set(name, room)
    return room
  }

  #find(room: Room, read: Read): Found {
    const now_ms = this.#now()
    const head = headOf(room)
    const oldest = oldestRecent(room)
    const trimmed = read.known.v > 0 && read.known.v <= head.v - RING
    const known = trimmed ? null : (room.frames[read.known.v - 1]?.hash ?? null)
    // Who has nothing is better served by the newest snapshot than by everything since the beginning.
    const follows = read.known.v > 0 && known !== null && equal(known, read.known.hash)
    let after = Math.max(Math.min(read.known.v, read.since), oldest - 1)
    let snapshot: Uint8Array | null = null
    if (!follows || read.known.v + 1 < oldest) {
      const newest = room.snapshots.findLast((each) => {
        const frame = room.frames[each.v - 1]
        return frame !== undefined && equal(frame.hash, each.hash)
      })
      snapshot = newest?.bytes ?? null
      const base = newest?.v ?? 0
      after = Math.min(base, Math.max(Math.min(base, read.since), oldest - 1))
    }
    const left_ms = room.lease ? room.lease.until_ms - now_ms : 0
    return {
      clock_ms: now_ms,
      head,
      known,
      trimmed,
      snapshot,
      frames: room.frames.slice(after).map((frame) => frame.bytes),
      inbox: [...room.inbox],
      lease: room.lease && left_ms > 0 ? { v: room.lease.v, left_ms } : null,
      block: blockOf(room, read.block),
      attempt: room.attempt,
    }
  }
}

function empty(): Room {
  return { frames: [], snapshots: [], inbox: [], nextItem: 1, lease: null, attempt: null }
}

/** Replaces the attempt record if it is the one named. */
function keepNote(room: Room, { was, now }: Note): void {
  const same = was && room.attempt ? equal(was, room.attempt) : was === room.attempt
  if (same) room.attempt = now
}

function headOf(room: Room): Head {
  const last = room.frames.at(-1)
  return last ? { v: room.frames.length, hash: last.hash } : nothing()
}

/** The lowest version that is recent; 1 if there is no frame. */
function oldestRecent(room: Room): number {
  let bytes = 0
  let oldest = room.frames.length + 1
  while (oldest > 1 && room.frames.length - oldest + 1 < RING) {
    bytes += room.frames[oldest - 2]?.bytes.length ?? 0
    if (bytes > RECENT_BYTES) break
    oldest -= 1
  }
  return oldest
}

function blockOf(room: Room, last: number | null): Uint8Array[] | null {
  if (last === null || last === 0 || last % SEGMENT !== 0 || last > room.frames.length) return null
  return room.frames.slice(last - SEGMENT, last).map((frame) => frame.bytes)
}
