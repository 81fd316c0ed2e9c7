/**
 * Full segments of frames, compressed, in rows. Decides how 64 frames become bytes and back: each
 * frame after its length, deflated, cut to rows that a Durable Object holds. Must not know what
 * is in a frame.
 */

import { deflateSync, inflateSync } from 'fflate'
import { bytes, type Codec, decode, encode, list } from '../codec'
import { SEGMENT } from '../limits'
import { blob, type Sql } from './schema'

/** Bytes of a row, below the 2 MB that an object's row may have. */
const PART_BYTES = 1_000_000
/** Above so many bytes a segment is kept as it is: it holds a writer up for too long otherwise. */
const MAX_DEFLATED_BYTES = 4_000_000

const frames: Codec<Uint8Array[]> = list(bytes)

/** The archive of one room. */
export class Archive {
  readonly #sql: Sql

  constructor(sql: Sql) {
    this.#sql = sql
  }

  /** Keeps a segment; the first is 1. Part of the caller's transaction. */
  write(segment: number, inside: Uint8Array[]): void {
    if (inside.length !== SEGMENT) throw new Error('a segment is not full')
    const plain = encode(frames, inside)
    const level = plain.length > MAX_DEFLATED_BYTES ? 0 : 6
    const kept = deflateSync(plain, { level })
    for (let part = 0; part * PART_BYTES < kept.length; part++) {
      const cut = kept.slice(part * PART_BYTES, (part + 1) * PART_BYTES)
      this.#sql.exec('INSERT OR REPLACE INTO archive (segment, part, bytes) VALUES (?, ?, ?)', segment, part, cut)
    }
  }

  /** The frames of a segment, or null if it is not kept. */
  read(segment: number): Uint8Array[] | null {
    const parts = this.#sql
      .exec('SELECT bytes FROM archive WHERE segment = ? ORDER BY part', segment)
      .toArray()
      .map((row) => blob(row.bytes))
    if (parts.length === 0) return null
    const kept = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
    let at = 0
    for (const part of parts) {
      kept.set(part, at)
      at += part.length
    }
    return decode(frames, inflateSync(kept))
  }
}
