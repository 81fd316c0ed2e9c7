/**
 * Performs what the handler asks for, until it replies. Requests of one room that arrive together
 * share an invocation, its read and its frame.
 *
 * Decides when a store counts as failed, and what a trap costs: the batch runs once more, as one that
 * leads nothing and tells the store of the trap; only what traps even then is answered `restarted`.
 * That is safe whatever was written before, since a device's mark answers a repeated action. What a
 * room sends to another is handed over here, and may fail. Must not know what is in a request, a frame
 * or a parcel.
 */

import { Batches } from './batch'
import { decode, encode } from './codec'
import { type Arrival, arrivals, type Effect, effect, fed, type Outcome } from './effect'
import { refusal } from './errors'
import { MAX_EFFECTS } from './limits'
import { type Face, type Faces, Trapped } from './load/face'
import { type Performer, StoreOverloaded } from './store'
import { within } from './within'

/** Traps that one batch may cause before the rest of it is given up: each costs a new instance. */
const MAX_TRAPS = 16
/** After how many timeouts of the store an invocation counts as stopped by the platform. */
const OVERDUE_TIMEOUTS = 6
/** How often an invocation begins again because others poisoned its instance. */
const MAX_RESTARTS = 3
/** How far a delivery may set off another: a room that is only ever sent to sends on, and so does the next. */
const MAX_HOPS = 2

const FAILED = encode(fed, { tag: 'failed' })
const NOTHING = new Uint8Array()
/** The first byte of an encoded effect. */
const APPEND = 1
const REPLY = 3
const DELIVER = 4
const NOTE = 5

/** What a driver needs. */
export interface DriverOptions {
  faces: Faces
  store: Performer
  /** How long a store may take before its outcome counts as unknown, in milliseconds. */
  store_timeout_ms: number
  /** Kinds whose rooms may be asked for other rooms; without it no delivery succeeds. */
  delivers?: ReadonlySet<string>
  /** Hands a parcel to a room that another driver serves; without it this one does. Calls {@link Driver.receive} there. */
  elsewhere?: (kind: string, name: string, arrival: Arrival, hops: number) => Promise<Outcome>
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
  /** Deliveries to other rooms that were answered. */
  delivered: number
}

/** What serving one batch may still cost. */
interface Work {
  /** Traps until the rest of the batch is given up. */
  traps: number
  /** Deliveries that led to this one. */
  hops: number
  /** It has begun again: perhaps over a delivery, so there are no more. */
  again: boolean
}

interface Room {
  kind: string
  name: string
}

/** The instance was dropped while this invocation waited for its store. */
class Dropped extends Error {
  /** What the invocation had noted last; empty if nothing. */
  readonly noted: Uint8Array

  constructor(noted: Uint8Array) {
    super('the instance was dropped')
    this.noted = noted
  }
}

/** How the invocation ended in whose place another begins. */
interface Before {
  trapped: boolean
  noted: Uint8Array
}

/** Drives the handler for all rooms of an isolate. */
export class Driver {
  readonly counters: Counters = {
    requests: 0,
    invocations: 0,
    led: 0,
    followed: 0,
    lost: 0,
    unknown: 0,
    traps: 0,
    delivered: 0,
  }
  readonly #options: DriverOptions
  readonly #batches: Batches

  constructor(options: DriverOptions) {
    this.#options = options
    const serve = (kind: string, name: string, batch: Arrival[]) =>
      this.#serve({ kind, name }, batch, { traps: MAX_TRAPS, hops: 0, again: false })
    this.#batches = new Batches(serve, OVERDUE_TIMEOUTS * options.store_timeout_ms)
  }

  /** How many requests wait for others of their room. */
  get waiting(): number {
    return this.#batches.waiting
  }

  /** Asks a room, see {@link Batches.ask}. `kind` is one that the handler serves. */
  async ask(kind: string, name: string, arrival: Arrival, hold?: (work: Promise<unknown>) => void): Promise<Outcome> {
    const [outcome] = await this.askAll(kind, name, [arrival], hold)
    return outcome ?? refusal('internal')
  }

  /** Asks a room several things at once, which go together. */
  askAll(kind: string, name: string, batch: Arrival[], hold?: (work: Promise<unknown>) => void): Promise<Outcome[]> {
    this.counters.requests += batch.length
    return this.#batches.ask(kind, name, batch, hold)
  }

  /** Never rejects: one outcome for each arrival. */
  async #serve(room: Room, batch: Arrival[], work: Work, ended?: Before): Promise<Outcome[]> {
    let before = ended
    for (let restarts = 0; restarts <= MAX_RESTARTS; restarts++) {
      try {
        return await this.#invoke(room, batch, work, before)
      } catch (error) {
        work.again = true
        if (error instanceof Dropped) {
          // What it began to try is not open: the next takes its place.
          if (!before?.trapped && (error.noted.length > 0 || !before)) before = { trapped: false, noted: error.noted }
          continue
        }
        if (error instanceof StoreOverloaded) return batch.map(() => refusal('retry'))
        if (!(error instanceof Trapped)) {
          this.#note('fault', error)
          return batch.map(() => refusal('internal'))
        }
        this.counters.traps += 1
        work.traps -= 1
        this.#note('trap', error)
        if (work.traps <= 0) return batch.map(() => refusal('restarted'))
        if (!before?.trapped) return this.#serve(room, batch, work, { trapped: true, noted: error.noted })
        if (batch.length === 1) return [refusal('restarted')]
        // What traps is not what was led. Halve the batch until the one that traps is alone.
        const half = Math.ceil(batch.length / 2)
        const first = await this.#serve(room, batch.slice(0, half), work, before)
        return [...first, ...(await this.#serve(room, batch.slice(half), work, before))]
      }
    }
    return batch.map(() => refusal('retry'))
  }

  /** One invocation, to its end. @throws Trapped, Dropped, StoreOverloaded, or a bad setting */
  async #invoke(room: Room, batch: Arrival[], work: Work, before?: Before): Promise<Outcome[]> {
    const { faces } = this.#options
    const face = faces.current()
    this.counters.invocations += 1
    const { noted: ended, trapped } = before ?? {}
    const begin = () => new face.Invocation(room.kind, room.name, encode(arrivals, batch), ended, trapped)
    const steps = faces.guard(face, begin)
    let noted: Uint8Array = NOTHING
    /** The last that may be on record. */
    let trying: Uint8Array = NOTHING
    try {
      let result: Uint8Array = NOTHING
      for (let count = 0; count < MAX_EFFECTS; count++) {
        if (!faces.holds(face)) throw new Dropped(trying)
        const asked = faces.guard(face, () => steps.resume(result))
        if (asked[0] === REPLY) return faces.guard(face, () => outcomesOf(asked, batch.length))
        if (asked[0] === NOTE) trying = recordOf(asked)
        const tries = trying.length > 0
        result = asked[0] === DELIVER ? await this.#deliver(asked, work) : await this.#perform(room, asked, tries)
        noted = asked[0] === NOTE && result !== FAILED ? trying : NOTHING
      }
      return faces.guard(face, () => {
        throw new Error('the invocation does not end')
      })
    } catch (error) {
      if (error instanceof Trapped) error.noted = noted
      throw error
    } finally {
      this.#free(face, () => steps.free())
    }
  }

  /** What the store answered, or `failed`. A late answer is dropped: it is unknown. */
  async #perform(room: Room, asked: Uint8Array, tries: boolean): Promise<Uint8Array> {
    const { store, store_timeout_ms } = this.#options
    try {
      const result = await within(store_timeout_ms, store.perform(`${room.kind}/${room.name}`, asked))
      this.#count(asked, result)
      return result
    } catch (error) {
      this.#note('store', error)
      if (asked[0] === APPEND) this.counters.unknown += 1
      // Who noted what it tries goes on, to take that back.
      if (error instanceof StoreOverloaded && !tries) throw error
      return FAILED
    }
  }

  /**
   * Asks another room. Not with that room's next batch, or two rooms that send each other would wait for each other.
   */
  async #deliver(asked: Uint8Array, work: Work): Promise<Uint8Array> {
    const { delivers, elsewhere, store_timeout_ms } = this.#options
    const { target, parcel } = decode(effect, asked) as Extract<Effect, { tag: 'deliver' }>
    const [kind = '', name = ''] = target.split('/')
    if (work.again || work.hops >= MAX_HOPS || !delivers?.has(kind)) return FAILED
    const arrival: Arrival = { who: null, call: { tag: 'deliver', parcel } }
    const hand = elsewhere ?? ((...parcel) => this.receive(...parcel))
    try {
      const outcome = await within(store_timeout_ms, hand(kind, name, arrival, work.hops + 1))
      if (outcome.status !== 200) return FAILED
      this.counters.delivered += 1
      return encode(fed, { tag: 'delivered', receipt: outcome.body })
    } catch (error) {
      this.#note('delivery', error)
      return FAILED
    }
  }

  /**
   * Takes what another room sends, `hops` deliveries after what set it off, in an invocation of its own. A trap is handed on
   * like any other, once; then the delivery has failed.
   */
  async receive(kind: string, name: string, arrival: Arrival, hops: number): Promise<Outcome> {
    const [outcome] = await this.#serve({ kind, name }, [arrival], { traps: 2, hops, again: false })
    return outcome ?? refusal('internal')
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

/** What a note leaves on record; empty if nothing. */
function recordOf(asked: Uint8Array): Uint8Array {
  const noting = decode(effect, asked)
  return (noting.tag === 'note' && noting.note.now) || NOTHING
}

function outcomesOf(asked: Uint8Array, count: number): Outcome[] {
  const reply = decode(effect, asked)
  if (reply.tag !== 'reply' || reply.outcomes.length !== count) throw new Error('not one outcome for each arrival')
  return reply.outcomes
}
