/**
 * Who goes together: requests of one room that arrive while others of it are being served wait, then
 * go as the next batch. Rooms do not wait for each other.
 *
 * The next batch is carried by the first of those that wait, in its own turn: a Worker stops what
 * runs on behalf of a request once that request was answered or its caller has gone. Must not know
 * how a batch is served.
 */

import type { Arrival, Outcome } from './effect'
import { refusal } from './errors'
import { MAX_BATCH } from './limits'

/** Requests of one room that wait, at most; the next is told `busy`. */
const MAX_WAITING = 4 * MAX_BATCH
/** Bytes of requests that share a batch, beside the first. */
const MAX_BATCH_BYTES = 1024 * 1024

/** Serves a batch. Never rejects: one outcome for each arrival. */
export type Serve = (kind: string, name: string, batch: Arrival[]) => Promise<Outcome[]>

interface Waiting {
  arrival: Arrival
  outcome: Outcome | null
  /** Whether the outcome is there, or it is this one's turn to carry. */
  woken: boolean
  /** Ends the wait for that. */
  wake: () => void
}

interface Room {
  kind: string
  name: string
  waiting: Waiting[]
  /** When the batch under way began; null if there is none. */
  since_ms: number | null
}

/** The batches of all rooms of an isolate. */
export class Batches {
  readonly #serve: Serve
  readonly #overdue_ms: number
  readonly #rooms = new Map<string, Room>()

  /** `overdue_ms`: after this long a batch counts as stopped by the platform. */
  constructor(serve: Serve, overdue_ms: number) {
    this.#serve = serve
    this.#overdue_ms = overdue_ms
  }

  /** How many requests wait for the batch before theirs. */
  get waiting(): number {
    return [...this.#rooms.values()].reduce((sum, { waiting }) => sum + waiting.length, 0)
  }

  /**
   * Asks a room. Always answers, with refusals if need be: one outcome for each arrival. `hold` keeps
   * the platform from stopping this request before its answer is there (`waitUntil`), since it may be
   * carrying others.
   */
  ask(kind: string, name: string, arrivals: Arrival[], hold?: (work: Promise<unknown>) => void): Promise<Outcome[]> {
    const answer = this.#ask(kind, name, arrivals)
    hold?.(answer)
    return answer
  }

  async #ask(kind: string, name: string, arrivals: Arrival[]): Promise<Outcome[]> {
    const id = `${kind}/${name}`
    const room = this.#rooms.get(id) ?? { kind, name, waiting: [], since_ms: null }
    this.#rooms.set(id, room)
    if (room.waiting.length + arrivals.length > MAX_WAITING) return arrivals.map(() => refusal('busy'))
    const mine = arrivals.map((arrival): Waiting => ({ arrival, outcome: null, woken: false, wake: () => {} }))
    room.waiting.push(...mine)
    const outcomes: Outcome[] = []
    for (const each of mine) outcomes.push(await this.#outcome(id, room, each))
    return outcomes
  }

  async #outcome(id: string, room: Room, mine: Waiting): Promise<Outcome> {
    if (!mine.woken && this.#underWay(room)) await this.#turn(mine)
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
    const timer = setTimeout(resolve, this.#overdue_ms)
    await promise
    clearTimeout(timer)
  }

  /** Whether to wait. One that was carried by a request which the platform stopped is not waited for. */
  #underWay(room: Room): boolean {
    return room.since_ms !== null && Date.now() - room.since_ms < this.#overdue_ms
  }

  /** Serves the first of those that wait, then hands over to the next. */
  async #carry(id: string, room: Room): Promise<void> {
    room.since_ms = Date.now()
    const batch = takeBatch(room.waiting)
    const asked = batch.map((each) => each.arrival)
    const outcomes = await this.#serve(room.kind, room.name, asked)
    for (const [at, each] of batch.entries()) {
      each.outcome = outcomes[at] ?? refusal('internal')
      wake(each)
    }
    const [next] = room.waiting
    if (next) {
      room.since_ms = Date.now()
      wake(next)
    } else {
      room.since_ms = null
      if (this.#rooms.get(id) === room) this.#rooms.delete(id)
    }
  }
}

function wake(waiting: Waiting): void {
  waiting.woken = true
  waiting.wake()
}

/** The first of those that wait, as many as may share a batch. It reads one block of frames at most. */
function takeBatch(waiting: Waiting[]): Waiting[] {
  let bytes = 0
  let count = 0
  let block: number | null = null
  for (const { arrival } of waiting) {
    const { call } = arrival
    if (call.tag === 'play') bytes += call.request.length
    if (call.tag === 'order') bytes += call.order.length
    if (call.tag === 'block' && block !== null && block !== call.last) break
    if (call.tag === 'block') block = call.last
    if (count > 0 && (bytes > MAX_BATCH_BYTES || count === MAX_BATCH)) break
    count += 1
  }
  return waiting.splice(0, count)
}
