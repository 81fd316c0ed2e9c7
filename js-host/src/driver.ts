/**
 * Performs what the handler asks for, until it replies. Requests of one room that arrive while an
 * invocation of it is under way wait, then go together as the next one: they share its read and its
 * frame. Rooms do not wait for each other.
 *
 * The next invocation is carried by the first of those that wait, in its own turn: a Worker stops
 * what runs on behalf of a request once that request was answered or its caller has gone.
 *
 * Decides who shares an invocation, when a store counts as failed, and what a trap costs: the
 * request that trapped is answered `restarted`; the others run again, which is safe whatever was
 * written before, since a device's mark answers a repeated action. Must not know what is in a
 * request or a frame.
 */

import { decode, encode } from './codec'
import { type Arrival, arrivals, effect, fed, type Outcome } from './effect'
import { refusal } from './errors'
import { MAX_BATCH, MAX_EFFECTS } from './limits'
import { type Face, type Faces, Trapped } from './load/face'
import { type Performer, StoreOverloaded } from './store'
import { within } from './within'

/** Requests of one room that wait, at most; the next is told `busy`. */
const MAX_WAITING = 4 * MAX_BATCH
/** Bytes of requests that share an invocation, beside the first. */
const MAX_BATCH_BYTES = 1024 * 1024
/** Traps that one batch may cause before the rest of it is given up: each costs a new instance. */
const MAX_TRAPS = 16
/** After how many timeouts of the store an invocation counts as stopped by the platform. */
const OVERDUE_TIMEOUTS = 6
/** How often an invocation begins again because others poisoned its instance. */
const MAX_RESTARTS = 3

const FAILED = encode(fed, { tag: 'failed' })
const NOTHING = new Uint8Array()
/** The first byte of an encoded effect. */
const APPEND = 1
const REPLY = 3

/** What a driver needs. */
export interface DriverOptions {
  faces: Faces
  store: Performer
  /** How long a store may take before its outcome counts as unknown, in milliseconds. */
  store_timeout_ms: number
  /** Told of what went wrong; never of what was asked. */
  note?: (event: string, fields: Record<string, string | number>) => void
}

/** What a driver did since it was made. */
export interface Counters {
  /** Requests answered. */
  requests: number
  /** Invocations of the handler. */
  invocations: number
  /** Frames appended: this instance led. */
  led: number
  /** Pushes into an inbox: this instance followed. */
  followed: number
  /** Appends that another frame came before. */
  lost: number
  /** Appends whose outcome is unknown. */
  unknown: number
  /** Traps of the wasm. */
  traps: number
}

interface Waiting {
  arrival: Arrival
  outcome: Outcome | null
  /** Called when the outcome is there, or when it is this one's turn to carry. */
  wake: () => void
}

interface Room {
  kind: string
  name: string
  waiting: Waiting[]
  /** When the invocation under way began; null if there is none. */
  since_ms: number | null
}

/** The instance was dropped while this invocation waited for its store. */
class Dropped extends Error {}

/** Drives the handler for all rooms of an isolate. */
export class Driver {
  readonly counters: Counters = { requests: 0, invocations: 0, led: 0, followed: 0, lost: 0, unknown: 0, traps: 0 }
  readonly #options: DriverOptions
  readonly #rooms = new Map<string, Room>()

  constructor(options: DriverOptions) {
    this.#options = options
  }

  /**
   * Asks a room. Always answers, with a refusal if need be. `kind` is one that the handler serves.
   * `hold` keeps the platform from stopping this request before its answer is there (`waitUntil`),
   * since it may be carrying others.
   */
  ask(kind: string, name: string, arrival: Arrival, hold?: (work: Promise<unknown>) => void): Promise<Outcome> {
    const answer = this.#ask(kind, name, arrival)
    hold?.(answer)
    return answer
  }

  async #ask(kind: string, name: string, arrival: Arrival): Promise<Outcome> {
    this.counters.requests += 1
    const id = `${kind}/${name}`
    const room = this.#rooms.get(id) ?? { kind, name, waiting: [], since_ms: null }
    this.#rooms.set(id, room)
    if (room.waiting.length >= MAX_WAITING) return refusal('busy')
    const mine: Waiting = { arrival, outcome: null, wake: () => {} }
    room.waiting.push(mine)
    if (this.#underWay(room)) await this.#turn(mine)
    // Carried by a request that never came back: what it did is unknown.
    if (!mine.outcome && !room.waiting.includes(mine)) return refusal('retry')
    while (!mine.outcome) await this.#carry(id, room)
    return mine.outcome
  }

  /**
   * Waits for the outcome, or to carry. The timer is more than a limit: a Worker's request that waits for nothing of its
   * own, only for another request, counts as hung and is cancelled. For the same reason the timer is stopped here: a
   * request that wakes another cannot reach its timers.
   */
  async #turn(mine: Waiting): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    mine.wake = resolve
    const timer = setTimeout(resolve, OVERDUE_TIMEOUTS * this.#options.store_timeout_ms)
    await promise
    clearTimeout(timer)
  }

  /** Whether to wait. One that was carried by a request which the platform stopped is not waited for. */
  #underWay(room: Room): boolean {
    return room.since_ms !== null && Date.now() - room.since_ms < OVERDUE_TIMEOUTS * this.#options.store_timeout_ms
  }

  /** Serves the first of those that wait, then hands over to the next. */
  async #carry(id: string, room: Room): Promise<void> {
    room.since_ms = Date.now()
    const batch = takeBatch(room.waiting)
    const outcomes = await this.#serve(
      room,
      batch.map((each) => each.arrival),
      { left: MAX_TRAPS },
    )
    for (const [at, each] of batch.entries()) {
      each.outcome = outcomes[at] ?? refusal('internal')
      each.wake()
    }
    const [next] = room.waiting
    if (next) {
      room.since_ms = Date.now()
      next.wake()
    } else {
      room.since_ms = null
      if (this.#rooms.get(id) === room) this.#rooms.delete(id)
    }
  }

  /** Never rejects: one outcome for each arrival. */
  async #serve(room: Room, batch: Arrival[], traps: { left: number }): Promise<Outcome[]> {
    for (let restarts = 0; restarts <= MAX_RESTARTS; restarts++) {
      try {
        return await this.#invoke(room, batch)
      } catch (error) {
        if (error instanceof Dropped) continue
        if (error instanceof StoreOverloaded) return batch.map(() => refusal('retry'))
        if (!(error instanceof Trapped)) {
          this.#note('fault', error)
          return batch.map(() => refusal('internal'))
        }
        this.counters.traps += 1
        traps.left -= 1
        this.#note('trap', error)
        if (batch.length === 1 || traps.left <= 0) return batch.map(() => refusal('restarted'))
        // Halve the batch until the one that traps is alone.
        const half = Math.ceil(batch.length / 2)
        const first = await this.#serve(room, batch.slice(0, half), traps)
        return [...first, ...(await this.#serve(room, batch.slice(half), traps))]
      }
    }
    return batch.map(() => refusal('retry'))
  }

  /** One invocation, to its end. @throws Trapped, Dropped, StoreOverloaded, or a bad setting */
  async #invoke(room: Room, batch: Arrival[]): Promise<Outcome[]> {
    const { faces } = this.#options
    const face = faces.current()
    this.counters.invocations += 1
    const steps = faces.guard(face, () => new face.Invocation(room.kind, room.name, encode(arrivals, batch)))
    try {
      let result: Uint8Array = NOTHING
      for (let count = 0; count < MAX_EFFECTS; count++) {
        if (!faces.holds(face)) throw new Dropped()
        const asked = faces.guard(face, () => steps.resume(result))
        if (asked[0] === REPLY) return faces.guard(face, () => outcomesOf(asked, batch.length))
        result = await this.#perform(room, asked)
      }
      return faces.guard(face, () => {
        throw new Error('the invocation does not end')
      })
    } finally {
      this.#free(face, () => steps.free())
    }
  }

  /** What the store answered, or `failed`. Note that a late answer is dropped: it is unknown. */
  async #perform(room: Room, asked: Uint8Array): Promise<Uint8Array> {
    const { store, store_timeout_ms } = this.#options
    try {
      const result = await within(store_timeout_ms, store.perform(`${room.kind}/${room.name}`, asked))
      this.#count(asked, result)
      return result
    } catch (error) {
      this.#note('store', error)
      if (asked[0] === APPEND) this.counters.unknown += 1
      if (error instanceof StoreOverloaded) throw error
      return FAILED
    }
  }

  #count(asked: Uint8Array, result: Uint8Array): void {
    if (asked[0] === 2) this.counters.followed += 1
    if (asked[0] !== APPEND) return
    if (result[0] !== 1) this.counters.unknown += 1
    else if (result[1] === 1) this.counters.led += 1
    else this.counters.lost += 1
  }

  /** Frees an invocation of a live instance; a dropped one is garbage as a whole. */
  #free(face: Face, free: () => void): void {
    if (!this.#options.faces.holds(face)) return
    try {
      this.#options.faces.guard(face, free)
    } catch (error) {
      // The reply was made before: only the instance is lost.
      this.counters.traps += 1
      this.#note('trap', error)
    }
  }

  #note(event: string, error: unknown): void {
    const fields = error instanceof Error ? { error: error.name, message: error.message } : { error: 'unknown' }
    this.#options.note?.(event, fields)
  }
}

/** The first of those that wait, as many as may share an invocation. It reads one block of frames at most. */
function takeBatch(waiting: Waiting[]): Waiting[] {
  let bytes = 0
  let count = 0
  let block: number | null = null
  for (const { arrival } of waiting) {
    const { call } = arrival
    if (call.tag === 'play') bytes += call.request.length
    if (call.tag === 'block' && block !== null && block !== call.last) break
    if (call.tag === 'block') block = call.last
    if (count > 0 && (bytes > MAX_BATCH_BYTES || count === MAX_BATCH)) break
    count += 1
  }
  return waiting.splice(0, count)
}

function outcomesOf(asked: Uint8Array, count: number): Outcome[] {
  const reply = decode(effect, asked)
  if (reply.tag !== 'reply' || reply.outcomes.length !== count) throw new Error('not one outcome for each arrival')
  return reply.outcomes
}
