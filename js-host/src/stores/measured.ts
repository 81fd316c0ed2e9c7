/**
 * A store that is watched: how much waits in its inboxes, and for how long, by the store's own clock. Decides nothing, and
 * passes everything on.
 */

import type { Append, Found, Note, Read } from '../effect'
import { type Distribution, Histogram } from '../metrics'
import type { Store } from '../store'

/** Bounds in seconds: a frame, a lease, a poll, a failover, and beyond. */
const SECONDS = [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 2, 5, 10, 30]
const ITEMS = [0, 1, 4, 16, 64, 256, 1_024, 4_096]
/** Rooms that are remembered; the one that was longest not asked for is forgotten. */
const MAX_ROOMS = 10_000

/** What was seen of a room last. */
interface Sight {
  /** When each item of the inbox was received. */
  received_ms: Map<number, number>
  /** The last frame, if this process appended it. */
  own: number | null
}

export class Measured implements Store {
  readonly #store: Store
  readonly #rooms = new Map<string, Sight>()
  readonly #items = new Histogram(ITEMS)
  readonly #waits = new Histogram(SECONDS)
  readonly #freezes = new Histogram(SECONDS)

  constructor(store: Store) {
    this.#store = store
  }

  get distributions(): Distribution[] {
    return [
      {
        name: 'inbox_items',
        help: 'Items that waited in the inbox of a room when this process read it.',
        histogram: this.#items,
      },
      {
        name: 'inbox_wait_seconds',
        help: 'How long an item of an inbox waited for the frame, of this process, that took it.',
        histogram: this.#waits,
      },
      {
        name: 'freeze_seconds',
        help: 'How long a room stood still, while something waited for a frame, until this process took over from another.',
        histogram: this.#freezes,
      },
    ]
  }

  async read(room: string, read: Read): Promise<Found> {
    return this.#see(room, await this.#store.read(room, read))
  }

  async append(room: string, append: Append, read: Read): Promise<{ appended: boolean; found: Found }> {
    const before = this.#rooms.get(room)
    const done = await this.#store.append(room, append, read)
    if (done.appended) this.#framed(append, before, done.found)
    this.#see(room, done.found, done.appended ? append.v : null)
    return done
  }

  async push(room: string, items: Uint8Array[], read: Read): Promise<{ full: boolean; found: Found }> {
    const done = await this.#store.push(room, items, read)
    this.#see(room, done.found)
    return done
  }

  async note(room: string, note: Note, read: Read): Promise<Found> {
    return this.#see(room, await this.#store.note(room, note, read))
  }

  #framed({ v, framed }: Append, before: Sight | undefined, { clock_ms }: Found): void {
    if (clock_ms === null || !before) return
    const received = framed.map((id) => before.received_ms.get(id)).filter((at) => at !== undefined)
    for (const at of received) this.#waits.observe((clock_ms - at) / 1_000)
    if (received.length > 0 && before.own !== v - 1) this.#freezes.observe((clock_ms - Math.min(...received)) / 1_000)
  }

  #see(room: string, found: Found, appended: number | null = null): Found {
    this.#items.observe(found.inbox.length)
    const own = appended ?? this.#rooms.get(room)?.own ?? null
    // Last in the order: the first is the one that was longest not asked for.
    this.#rooms.delete(room)
    this.#rooms.set(room, {
      received_ms: new Map(found.inbox.map(({ id, received_ms }) => [id, received_ms])),
      own: own === found.head.v ? own : null,
    })
    const [oldest] = this.#rooms.keys()
    if (this.#rooms.size > MAX_ROOMS && oldest !== undefined) this.#rooms.delete(oldest)
    return found
  }
}
