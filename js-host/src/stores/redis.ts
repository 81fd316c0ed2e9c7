/**
 * Rooms in a Redis server, or one that speaks like it. Each call is one run of one script, so one round trip; the
 * append that ends a segment takes a second, to archive it. Decides how a call becomes the script's arguments and its
 * answer becomes what was found; how the server is reached is a {@link Scripts}.
 */

import { deflateSync, inflateSync } from 'fflate'
import { fromBase64, toBase64 } from '../base64'
import { bytes, type Codec, decode, encode, list } from '../codec'
import type { Append, Found, Note, Read } from '../effect'
import { MAX_INBOX_BYTES, MAX_INBOX_ITEMS, RECENT_BYTES, RING, SEGMENT } from '../limits'
import { type Store, StoreOverloaded } from '../store'
import { channelOf, keysOf, SCRIPT } from './redis-script'
import { hasRoom, refuseLongNote, refuseOversized } from './refuse'

/** A server that runs scripts. */
export interface Scripts {
  /** By the script's SHA-1, sending the text when the server does not know it. @throws with the server's words */
  run(script: string, keys: string[], args: string[]): Promise<unknown>
}

/** What the script answers, by place. */
type Answer = [
  done: number,
  clock_ms: number,
  v: number,
  hash: string,
  known: string,
  trimmed: number,
  snapshot: string,
  base: number,
  /** Newest first. */
  frames: string[],
  /** Number of a segment, what is archived of it, … */
  sealed: string[],
  /** Number, time of receipt, bytes, … */
  inbox: (number | string)[],
  leaseOf: number,
  left_ms: number,
  attempt: string,
  /** As archived; or nothing, its frames, and the hash of the last. */
  block: string[],
  unsealed: number,
  segment: string[],
]

const LIMITS = [RING, RECENT_BYTES, SEGMENT, MAX_INBOX_ITEMS, MAX_INBOX_BYTES].map(String)
/** What a server says that did nothing, and should not be asked again at once. */
const OVERLOADED = /\b(OOM|BUSY|LOADING|MASTERDOWN|NOREPLICAS|READONLY|CLUSTERDOWN|TRYAGAIN)\b/

/** Nothing is read. */
const NOWHERE: Read = { known: { v: 0, hash: new Uint8Array(16) }, since: 0, block: null }

const packed: Codec<Uint8Array[]> = list(bytes)

/** Rooms in Redis. */
export class RedisStore implements Store {
  readonly #scripts: Scripts
  readonly #prefix: string
  readonly #publishes: boolean

  /** `prefix`: before every key. `publishes`: what is published of a frame is told to whoever listens. */
  constructor(scripts: Scripts, { prefix = 'baton:', publishes = false } = {}) {
    this.#scripts = scripts
    this.#prefix = prefix
    this.#publishes = publishes
  }

  async read(room: string, read: Read): Promise<Found> {
    return foundOf(await this.#run('read', room, read), read)
  }

  async append(room: string, append: Append, read: Read): Promise<{ appended: boolean; found: Found }> {
    refuseOversized(append)
    const { v, previous, hash, frame, lease_ms, snapshot, note, framed } = append
    const answer = await this.#run('append', room, read, [
      ...[String(v), toBase64(previous), toBase64(hash), toBase64(frame), String(lease_ms), text(snapshot)],
      ...[note ? '1' : '', text(note?.was), text(note?.now)],
      ...[
        this.#publishes && append.published.length > 0 ? channelOf(this.#prefix, room) : '',
        toBase64(append.published),
      ],
      ...framed.map(String),
    ])
    const [unsealed, segment] = [answer[15], answer[16]]
    if (unsealed > 0 && segment.length > 2) await this.#seal(room, unsealed, segment)
    return { appended: answer[0] === 1, found: foundOf(answer, read) }
  }

  async push(room: string, items: Uint8Array[], read: Read): Promise<{ full: boolean; found: Found }> {
    // What never fits; whether the others do is the server's to say.
    hasRoom({ items: 0, bytes: 0 }, items)
    const answer = await this.#run('push', room, read, items.map(toBase64))
    return { full: answer[0] !== 1, found: foundOf(answer, read) }
  }

  async note(room: string, note: Note, read: Read): Promise<Found> {
    refuseLongNote(note)
    return foundOf(await this.#run('note', room, read, [text(note.was), text(note.now)]), read)
  }

  /** Ends the lease that frame `v` renewed, if no other has: whoever is asked next leads at once. */
  async release(room: string, v: number): Promise<void> {
    await this.#run('release', room, NOWHERE, [String(v)])
  }

  /** Archives a segment. Failing, it is done with a later one. */
  async #seal(room: string, segment: number, [, ...rest]: string[]): Promise<void> {
    const hash = rest.pop() ?? ''
    const archived = toBase64(deflateSync(encode(packed, rest.map(fromBase64))))
    await this.#run('seal', room, NOWHERE, [String(segment), hash, archived]).catch(() => undefined)
  }

  async #run(what: string, room: string, { known, since, block }: Read, rest: string[] = []): Promise<Answer> {
    const read = [String(known.v), toBase64(known.hash), String(since), String(block ?? 0)]
    const args = [what, ...LIMITS, ...read, ...rest]
    try {
      return (await this.#scripts.run(SCRIPT, keysOf(this.#prefix, room), args)) as Answer
    } catch (error) {
      const said = error instanceof Error ? error.message : ''
      if (OVERLOADED.test(said)) throw new StoreOverloaded(said)
      throw error
    }
  }
}

function foundOf(answer: Answer, read: Read): Found {
  const [, clock_ms, v, hash, known, trimmed, snapshot, base, frames, sealed, inbox, leaseOf, left_ms] = answer
  const [attempt, block] = [answer[13], answer[14]]
  const items = Array.from({ length: inbox.length / 3 }, (_, at) => ({
    id: Number(inbox[3 * at]),
    received_ms: Number(inbox[3 * at + 1]),
    bytes: fromBase64(String(inbox[3 * at + 2])),
  }))
  return {
    clock_ms,
    head: { v, hash: fromBase64(hash) },
    known: known ? fromBase64(known) : null,
    trimmed: trimmed === 1,
    snapshot: snapshot ? fromBase64(snapshot) : null,
    frames: [...archived(sealed, base, v - frames.length), ...frames.reverse().map(fromBase64)],
    inbox: items,
    lease: leaseOf > 0 ? { v: leaseOf, left_ms } : null,
    block: read.block === null || block.length === 0 ? null : segmentOf(block),
    attempt: attempt ? fromBase64(attempt) : null,
  }
}

/** The frames after version `base` up to `last`, of archived segments. */
function archived(sealed: string[], base: number, last: number): Uint8Array[] {
  const all: Uint8Array[] = []
  for (let at = 0; at < sealed.length; at += 2) {
    if (!sealed[at + 1]) throw new Error('a segment is missing')
    const first = (Number(sealed[at]) - 1) * SEGMENT + 1
    const inside = unpack(sealed[at + 1] as string)
    all.push(...inside.slice(Math.max(0, base + 1 - first), Math.max(0, last + 1 - first)))
  }
  if (all.length > 0 && all.length !== last - base) throw new Error('a frame is missing')
  return all
}

function segmentOf(block: string[]): Uint8Array[] {
  return block[0] ? unpack(block[0]) : block.slice(1, -1).map(fromBase64)
}

function unpack(archived: string): Uint8Array[] {
  return decode(packed, inflateSync(fromBase64(archived)))
}

function text(bytes: Uint8Array | null | undefined): string {
  return bytes ? toBase64(bytes) : ''
}
