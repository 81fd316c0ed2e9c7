/**
 * A store that remembers where this process leads, so that a planned stop can let go of it: without, each room stands
 * until its lease ends. Decides nothing else, and passes everything on.
 */

import type { Append, Found, Note, Read } from '../effect'
import type { Store } from '../store'

/** Leases that are remembered: of those that were renewed longest ago all have ended. */
const MAX_LED = 10_000

/** A store whose leases can be ended. */
export interface Releasing extends Store {
  /** Ends the lease that frame `v` renewed, if no other has. */
  release(room: string, v: number): Promise<void>
}

/** Rooms in which this process appended last, as far as it knows. */
export class Handover implements Store {
  readonly #store: Releasing
  readonly #led = new Map<string, number>()

  constructor(store: Releasing) {
    this.#store = store
  }

  read(room: string, read: Read): Promise<Found> {
    return this.#store.read(room, read)
  }

  async append(room: string, append: Append, read: Read): Promise<{ appended: boolean; found: Found }> {
    const done = await this.#store.append(room, append, read)
    this.#led.delete(room)
    if (done.appended && done.found.head.v === append.v) this.#led.set(room, append.v)
    // Last in the order: the first is the one that was renewed longest ago.
    const [oldest] = this.#led.keys()
    if (this.#led.size > MAX_LED && oldest !== undefined) this.#led.delete(oldest)
    return done
  }

  push(room: string, items: Uint8Array[], read: Read): Promise<{ full: boolean; found: Found }> {
    return this.#store.push(room, items, read)
  }

  note(room: string, note: Note, read: Read): Promise<Found> {
    return this.#store.note(room, note, read)
  }

  /** Lets go of all of them. What cannot be told ends by itself. */
  async release(): Promise<void> {
    const led = [...this.#led]
    this.#led.clear()
    await Promise.allSettled(led.map(([room, v]) => this.#store.release(room, v)))
  }
}
