/**
 * What a store of rooms must do. One file per store below `stores/`; one suite for all of them,
 * `test/store-contract.ts`. A store moves bytes: it must not know what is in a frame, nor decide
 * who leads.
 *
 * **Append frame v if and only if the last frame is v - 1 with the hash that v names: one atomic
 * step, and the only thing that the safety of a room rests on.**
 *
 * What every store promises:
 * - *Exactly next.* Of two appends for one version at most one is ever `appended`; a frame's bytes
 *   never change; the same append a second time is `appended` again and changes nothing.
 * - *Raced.* By as many processes as can reach the store: each version has one winner, and nobody
 *   else is told that it was appended (`tests/stores/support/race.ts`).
 * - *Lost* (`appended: false`): another frame is in that place, or the frame before is not the one
 *   named. Nothing changed: no frame, no lease, no inbox item, no snapshot. Only what was seen to be
 *   so is lost: that a frame was not found proves nothing.
 * - *Unknown* (a throw, or no answer in time): it may have happened, wholly or not at all, now or a
 *   little later. The caller reads and looks for its own frame; who asked is told `retry`, never
 *   *yes* and never *no*. {@link StoreLimit} and {@link StoreOverloaded} alone say that nothing happened.
 * - *Together.* With the frame, in the same step: the lease is renewed, exactly the inbox items
 *   named in `framed` are gone, the snapshot is kept. Items that came meanwhile stay.
 * - *In order.* Inbox items have rising ids, never used twice; a push is taken whole or not at all.
 * - *Compared.* The attempt record is replaced only where it is the one named: in the same step as a
 *   frame, or by a note of its own if the last frame is `known`. Else it stays, and what is found shows
 *   it. It is bytes to the store.
 * - *Fresh.* What is found was read after the write of the same call, from the copy that decides.
 * - *Bounded* (`limits.ts`). A frame of `MAX_FRAME_BYTES` and its envelope, a snapshot of
 *   `MAX_SNAPSHOT_BYTES`, an attempt record of `MAX_ATTEMPT_BYTES`: what is longer is
 *   refused with a {@link StoreLimit}, and nothing changed. An inbox of `MAX_INBOX_ITEMS` and
 *   `MAX_INBOX_BYTES` is `full`. A store that has no room left says so by a throw and still
 *   answers reads.
 *
 * *Holes and void slots.* A store that compares has neither: the frame of version v is in place v, and
 * after the last there is nothing. One that can only create a key if it is absent keeps a line of
 * *slots*: a frame that does not follow the one before it is *void*, stays, and is stepped over; an
 * absent slot ends the log, and nobody writes beyond it, since a hole that somebody steps over forks the
 * log. `crates/baton/src/slots` makes such calls of effects and results of their answers. What comes out
 * keeps the promises above: versions without a gap, no void frame; there, too, *lost* is another frame in
 * the slot, or ours void, and everything else that is not proof is *unknown*.
 *
 * How a read is to be understood where `effect.rs` leaves room: *recent* frames are the newest
 * `RING`, at most `RECENT_BYTES` of them; a `known` that is `RING` or more behind the head is
 * `trimmed`. If `known` is in the log and all frames after it are recent, they are found, from the
 * lower of `known` and `since` on as far back as they are recent. Else, version 0 included, the
 * newest snapshot whose frame has its hash (none if there is none: then from version 0), with every
 * frame after it, taken from the archive where they are no longer at hand, and those before it that
 * `since` asks for as far back as they are recent.
 */

import { decode, encode } from './codec'
import type { Append, Effect, Fed, Found, Note, Read } from './effect'
import * as wire from './effect'

/** The rooms of one store, named `kind/name`. */
export interface Store {
  /** @throws if the store failed; nothing changed. */
  read(room: string, read: Read): Promise<Found>
  /** @throws if the outcome is unknown, or {@link StoreLimit}. */
  append(room: string, append: Append, read: Read): Promise<{ appended: boolean; found: Found }>
  /** `full`: not one item was taken. @throws if the outcome is unknown, or {@link StoreLimit}. */
  push(room: string, items: Uint8Array[], read: Read): Promise<{ full: boolean; found: Found }>
  /** @throws if the outcome is unknown, or {@link StoreLimit}. */
  note(room: string, note: Note, read: Read): Promise<Found>
}

/** A frame, snapshot or item is over its limit. Nothing changed; the same again will fail again. */
export class StoreLimit extends Error {
  override readonly name = 'StoreLimit'
}

/** The store refuses calls because too many wait. Nothing changed; calling again makes it worse. */
export class StoreOverloaded extends Error {
  override readonly name = 'StoreOverloaded'
}

/**
 * Performs an effect of the handler, bytes in, bytes out, so that a store behind a network carries
 * what the handler wrote as it is.
 */
export interface Performer {
  /** @throws as {@link Store} does. */
  perform(room: string, effect: Uint8Array): Promise<Uint8Array>
}

/** Performs a store's effect. @throws as {@link Store} does, and on what is no store's business. */
export async function perform(store: Store, room: string, effect: Effect): Promise<Fed> {
  switch (effect.tag) {
    case 'read':
      return { tag: 'read', found: await store.read(room, effect.read) }
    case 'append':
      return { tag: 'appended', ...(await store.append(room, effect.append, effect.read)) }
    case 'push': {
      const { full, found } = await store.push(room, effect.items, effect.read)
      return { tag: full ? 'full' : 'pushed', found }
    }
    case 'note':
      return { tag: 'noted', found: await store.note(room, effect.note, effect.read) }
    case 'reply':
    case 'deliver':
      throw new TypeError(`${effect.tag} is not for the store`)
  }
}

/** A store as a performer. */
export function performer(store: Store): Performer {
  return {
    perform: async (room, effect) => encode(wire.fed, await perform(store, room, decode(wire.effect, effect))),
  }
}

/** A performer as a store: what the contract suite uses to reach a store behind a network. */
export function storeOf(remote: Performer): Store {
  const ask = async (room: string, effect: Effect): Promise<Extract<Fed, { found: Found }>> => {
    const fed = decode(wire.fed, await remote.perform(room, encode(wire.effect, effect)))
    if (!('found' in fed)) throw new Error('the store failed')
    return fed
  }
  return {
    read: async (room, read) => (await ask(room, { tag: 'read', read })).found,
    append: async (room, append, read) => {
      const fed = await ask(room, { tag: 'append', append, read })
      return { appended: fed.tag === 'appended' && fed.appended, found: fed.found }
    },
    push: async (room, items, read) => {
      const fed = await ask(room, { tag: 'push', items, read })
      return { full: fed.tag === 'full', found: fed.found }
    },
    note: async (room, note, read) => (await ask(room, { tag: 'note', note, read })).found,
  }
}
