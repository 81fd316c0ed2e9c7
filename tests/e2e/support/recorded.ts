/** The recorded match (`crates/contagion/tests/recorded.rs` says what is in its files), and how it comes into a store. */

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { blake3 } from '@noble/hashes/blake3.js'
import { bytes, decode, list } from '../../../js-host/src/codec'
import { nothing } from '../../../js-host/src/effect'
import type { Store } from '../../../js-host/src/store'

const GOLDEN = resolve(import.meta.dirname, '../../golden')

interface Checkpoint {
  v: number
  tick: number
  zombies: number
  frame: string
}

export const recorded = JSON.parse(readFileSync(`${GOLDEN}/match.json`, 'utf8')) as {
  frames: number
  checkpoints: Checkpoint[]
}
export const frames = decode(list(bytes), new Uint8Array(readFileSync(`${GOLDEN}/match.frames`)))

/** Appends frames to a room that has none, without a lease and without a snapshot. */
export async function put(store: Store, room: string, all = frames): Promise<void> {
  let last = nothing()
  for (const frame of all) {
    const head = { v: last.v + 1, hash: blake3(frame).subarray(0, 16) }
    const append = { ...head, previous: last.hash, frame, published: new Uint8Array(), lease_ms: 0 }
    const read = { known: last, since: last.v, block: null }
    const { appended } = await store.append(room, { ...append, framed: [], snapshot: null, note: null }, read)
    if (!appended) throw new Error(`frame ${head.v} was not taken`)
    last = head
  }
}
