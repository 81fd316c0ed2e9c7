/**
 * One room in the SQLite of one Durable Object. The same logic serves both uses: behind a call from
 * stateless handlers, and beside a handler that runs inside the object.
 *
 * Nothing is copied into memory but the fact that the tables exist: each read asks the storage, so
 * a reply is never fresher than the object is. Each write is one `transactionSync`: a throw inside
 * it leaves no trace (a bare throw after `sql.exec` would leave the write).
 *
 * Rows written are most of what an object costs, so frames lie in a ring whose rows are overwritten,
 * never deleted: an append writes two rows, the frame and the room. At the end of a segment its 64
 * frames go into the archive, compressed, in the same transaction; so the ring, eight segments long,
 * overwrites nothing that is not archived.
 */

import { type Append, equal, type Found, type Head, type Item, type Lease, type Note, type Read } from '../effect'
import { RECENT_BYTES, RING, SEGMENT } from '../limits'
import type { Store } from '../store'
import { Archive } from './archive'
import { hasRoom, refuseLongNote, refuseOversized } from './refuse'
import { blob, prepare, type RoomRow, type Sql, type Storage } from './schema'

/** An empty array is bound as NULL. */
const INSERT_ITEM = "INSERT INTO inbox (id, received_ms, item) VALUES (?, ?, coalesce(?, x''))"

/** A frame with its place. */
interface Slot {
  v: number
  hash: Uint8Array
  bytes: Uint8Array
}

/** The settings of an object's store. */
export interface ObjectStoreOptions {
  /** The object's clock, in milliseconds since 1970. */
  now?: () => number
  /** Called with what is published of each frame after it was appended, before the caller hears of it. */
  appended?: (published: Uint8Array) => void
}

/** The store of the one room that lives in this object. */
export class ObjectStore implements Store {
  readonly #storage: Storage
  readonly #sql: Sql
  readonly #archive: Archive
  readonly #now: () => number
  readonly #appended: (published: Uint8Array) => void
  #prepared = false

  constructor(storage: Storage, options: ObjectStoreOptions = {}) {
    this.#storage = storage
    this.#sql = storage.sql
    this.#archive = new Archive(storage.sql)
    this.#now = options.now ?? Date.now
    this.#appended = options.appended ?? (() => {})
  }

  async read(room: string, read: Read): Promise<Found> {
    return this.#find(this.#row(room), read)
  }

  async append(room: string, append: Append, read: Read): Promise<{ appended: boolean; found: Found }> {
    refuseOversized(append)
    const written = this.#write(room, (row) => {
      if (row.head_v + 1 !== append.v || !equal(row.head_hash, append.previous)) return false
      this.#insert(row, append)
      return true
    })
    if (written) this.#appended(append.published)
    const row = this.#row(room)
    const appended = written || equal(this.#slot(row, append.v)?.hash ?? new Uint8Array(), append.hash)
    return { appended, found: this.#find(row, read) }
  }

  async push(room: string, items: Uint8Array[], read: Read): Promise<{ full: boolean; found: Found }> {
    const taken = this.#write(room, (row) => {
      if (!hasRoom({ items: row.inbox_items, bytes: row.inbox_bytes }, items)) return false
      const received_ms = this.#now()
      let id = row.next_item
      let bytes = row.inbox_bytes
      for (const item of items) {
        this.#sql.exec(INSERT_ITEM, id++, received_ms, item)
        bytes += item.length
      }
      const count = row.inbox_items + items.length
      this.#sql.exec('UPDATE room SET next_item = ?, inbox_items = ?, inbox_bytes = ?', id, count, bytes)
      return true
    })
    return { full: !taken, found: this.#find(this.#row(room), read) }
  }

  async note(room: string, note: Note, read: Read): Promise<Found> {
    refuseLongNote(note)
    this.#write(room, ({ head_v, head_hash }) => {
      const same = read.known.v === head_v && equal(read.known.hash, head_hash)
      if (same) this.#note(note)
      return same
    })
    return this.#find(this.#row(room), read)
  }

  /** Replaces the attempt record if it is the one named. Part of the caller's transaction. */
  #note({ was, now }: Note): void {
    this.#sql.exec('UPDATE room SET attempt = ? WHERE attempt IS ?', now, was)
  }

  /** Runs `body` in a transaction. A throw rolls it back, and what memory knew of the tables is dropped. */
  #write(room: string, body: (row: RoomRow) => boolean): boolean {
    try {
      return this.#storage.transactionSync(() => {
        if (!this.#prepared) prepare(this.#sql, room)
        this.#prepared = true
        return body(this.#row(room) as RoomRow)
      })
    } catch (error) {
      this.#prepared = false
      throw error
    }
  }

  /** The room's row; null while nothing was ever written, so that asking for a room does not make one. */
  #row(room: string): RoomRow | null {
    if (!this.#prepared) {
      if (this.#sql.exec("SELECT 1 FROM sqlite_schema WHERE name = 'room'").toArray().length === 0) return null
      prepare(this.#sql, room)
      this.#prepared = true
    }
    const [row] = this.#sql.exec('SELECT * FROM room').toArray()
    if (row === undefined) throw new Error('the room has no row')
    if (row.name !== room) throw new Error('the object holds another room')
    const attempt = row.attempt ? blob(row.attempt) : null
    return { ...(row as unknown as RoomRow), head_hash: blob(row.head_hash), attempt }
  }

  #insert(row: RoomRow, append: Append): void {
    const { v, hash } = append
    this.#sql.exec(
      'INSERT OR REPLACE INTO ring (slot, v, hash, frame) VALUES (?, ?, ?, ?)',
      v % RING,
      v,
      hash,
      append.frame,
    )
    let { inbox_items, inbox_bytes } = row
    if (append.framed.length > 0) {
      const removed = this.#sql
        .exec(
          'DELETE FROM inbox WHERE id IN (SELECT value FROM json_each(?)) RETURNING length(item) AS bytes',
          JSON.stringify(append.framed),
        )
        .toArray()
      inbox_items -= removed.length
      for (const each of removed) inbox_bytes -= each.bytes as number
    }
    const until_ms = append.lease_ms > 0 ? this.#now() + append.lease_ms : 0
    this.#sql.exec(
      'UPDATE room SET head_v = ?, head_hash = ?, lease_until_ms = ?, lease_ms = ?, inbox_items = ?, inbox_bytes = ?',
      v,
      hash,
      until_ms,
      append.lease_ms,
      inbox_items,
      inbox_bytes,
    )
    if (append.snapshot) this.#keep(v, hash, append.snapshot)
    if (append.note) this.#note(append.note)
    if (v % SEGMENT === 0) {
      this.#archive.write(
        v / SEGMENT,
        this.#ring(v - SEGMENT + 1, v).map((slot) => slot.bytes),
      )
    }
  }

  /** Keeps this snapshot and the one before it: the second is for the day when the newest does not verify. */
  #keep(v: number, hash: Uint8Array, snapshot: Uint8Array): void {
    this.#sql.exec('INSERT OR REPLACE INTO snapshots (v, hash, bytes) VALUES (?, ?, ?)', v, hash, snapshot)
    this.#sql.exec('DELETE FROM snapshots WHERE v < (SELECT v FROM snapshots ORDER BY v DESC LIMIT 1 OFFSET 1)')
  }

  #find(row: RoomRow | null, read: Read): Found {
    const now_ms = this.#now()
    const head: Head = { v: row?.head_v ?? 0, hash: row?.head_hash ?? new Uint8Array(16) }
    const known = this.#slot(row, read.known.v)?.hash ?? null
    const tail = this.#tail(row, read, known)
    const base = tail ? null : this.#snapshot(row)
    return {
      clock_ms: now_ms,
      head,
      known,
      trimmed: read.known.v > 0 && read.known.v <= head.v - RING,
      snapshot: base?.bytes ?? null,
      frames: tail ?? this.#frames(row, Math.min(base?.v ?? 0, read.since) + 1, base?.v ?? 0),
      inbox: this.#inbox(row),
      lease: lease(row, now_ms),
      attempt: row?.attempt ?? null,
      block: this.#block(head.v, read.block),
    }
  }

  /** What follows the known frame, and before it what `since` asks for; null if it cannot be continued. */
  #tail(row: RoomRow | null, read: Read, known: Uint8Array | null): Uint8Array[] | null {
    // Who has nothing is better served by the newest snapshot than by everything since the beginning.
    const follows = read.known.v > 0 && known !== null && equal(known, read.known.hash)
    const wanted = (row?.head_v ?? 0) - read.known.v
    if (!follows || wanted > RING) return null
    const recent = this.#recent(row, Math.min(read.known.v, read.since) + 1)
    return recent.length < wanted ? null : recent.map((slot) => slot.bytes)
  }

  /** The recent frames from version `from` on, rising. Stops early, at the newest ones, when they are too many bytes. */
  #recent(row: RoomRow | null, from: number): Slot[] {
    if (!row) return []
    const slots: Slot[] = []
    let bytes = 0
    for (const slot of this.#newestFirst(Math.max(from, row.head_v - RING + 1), row.head_v)) {
      bytes += slot.bytes.length
      if (bytes > RECENT_BYTES) break
      slots.push(slot)
    }
    return slots.reverse()
  }

  /** Frames from `from`, or as far back as they are recent, to the head; all of those after `base`, wherever they are. */
  #frames(row: RoomRow | null, from: number, base: number): Uint8Array[] {
    if (!row) return []
    const recent = this.#recent(row, from)
    const oldest = recent[0]?.v ?? row.head_v + 1
    const older: Uint8Array[] = []
    let segment: { number: number; frames: Uint8Array[] | null } = { number: 0, frames: null }
    for (let v = base + 1; v < oldest; v++) {
      const number = Math.ceil(v / SEGMENT)
      const slot = this.#slot(row, v)
      if (!slot && segment.number !== number) segment = { number, frames: this.#archive.read(number) }
      const bytes = slot?.bytes ?? segment.frames?.[(v - 1) % SEGMENT]
      if (bytes === undefined) throw new Error('a frame is missing')
      older.push(bytes)
    }
    return [...older, ...recent.map((slot) => slot.bytes)]
  }

  #slot(row: RoomRow | null, v: number): Slot | undefined {
    return row && v >= 1 && v <= row.head_v && v > row.head_v - RING ? this.#ring(v, v)[0] : undefined
  }

  #ring(from: number, to: number): Slot[] {
    return [...this.#newestFirst(from, to)].reverse()
  }

  /** Walks the ring backwards. @throws if a slot holds another version: then the storage was damaged. */
  *#newestFirst(from: number, to: number): Generator<Slot> {
    let v = to
    while (v >= from) {
      // One range of slots never wraps, so it is a range of primary keys.
      const lowest = Math.max(from, v - (v % RING))
      const rows = this.#sql.exec(
        'SELECT v, hash, frame FROM ring WHERE slot BETWEEN ? AND ? ORDER BY slot DESC',
        lowest % RING,
        v % RING,
      )
      for (const row of rows) {
        if (row.v !== v) throw new Error('a frame is missing')
        yield { v, hash: blob(row.hash), bytes: blob(row.frame) }
        v -= 1
      }
      if (v >= lowest) throw new Error('a frame is missing')
    }
  }

  /** The newest snapshot whose frame has its hash; version 0 without bytes if there is none. */
  #snapshot(row: RoomRow | null): { v: number; bytes: Uint8Array | null } {
    const kept = row ? this.#sql.exec('SELECT v, hash FROM snapshots ORDER BY v DESC').toArray() : []
    for (const each of kept) {
      const v = each.v as number
      const slot = this.#slot(row, v)
      // An archived frame was on this chain when it left the ring, and so was its snapshot.
      const verified = slot ? equal(slot.hash, blob(each.hash)) : v <= (row?.head_v ?? 0) - RING
      if (!verified) continue
      const [found] = this.#sql.exec('SELECT bytes FROM snapshots WHERE v = ?', v).toArray()
      if (found) return { v, bytes: blob(found.bytes) }
    }
    return { v: 0, bytes: null }
  }

  #inbox(row: RoomRow | null): Item[] {
    if (!row || row.inbox_items === 0) return []
    return this.#sql
      .exec('SELECT id, received_ms, item FROM inbox ORDER BY id')
      .toArray()
      .map((each) => ({
        id: each.id as number,
        received_ms: each.received_ms as number,
        bytes: blob(each.item),
      }))
  }

  #block(head: number, last: number | null): Uint8Array[] | null {
    if (last === null || last === 0 || last % SEGMENT !== 0 || last > head) return null
    return this.#archive.read(last / SEGMENT)
  }
}

/** The lease while it lives. A clock that was set back does not lengthen it. */
function lease(row: RoomRow | null, now_ms: number): Lease | null {
  if (!row || row.lease_until_ms <= now_ms) return null
  return { v: row.head_v, left_ms: Math.min(row.lease_until_ms - now_ms, row.lease_ms) }
}
