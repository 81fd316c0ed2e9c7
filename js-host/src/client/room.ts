/**
 * A room as a page plays it: the replica with its connection, its queue on disk, and its answers.
 * Decides when to ask, and what the connection's state is called; what is asked, predicted and
 * believed is the replica's. Must not know how anything is drawn.
 */

import { Asker, Hearing, same } from './asking'
import type { Device } from './device'
import { type Game, type Note, type RejectCode, type Replica, refusalOf, type Verdict, verdictOf } from './game'
import { type Answer, Live, post, roomUrl, type Ways } from './line'
import { type Look, Looker } from './look'
import type { Session } from './session'

/** How it goes. The first that holds, in this order. */
export type Status =
  /** Our rules came to another state than the writer's: {@link Room.report} says how. For good. */
  | 'desync'
  /** The host speaks another protocol or plays by later rules: the page must be loaded again. */
  | 'reload'
  /** The room has not changed to the page's rules yet. */
  | 'waiting'
  /** The rules broke on the passing of time: the room stands still until it is mended. */
  | 'halted'
  /** The host refuses us with {@link Room.refusal}; it is asked again from time to time. */
  | 'refused'
  /** What is shown is too old to be predicted any further. */
  | 'stalled'
  /** Requests fail; what is shown is predicted. */
  | 'reconnecting'
  /** Not yet part of the room. */
  | 'joining'
  | 'live'

/** What a room needs. */
export interface Ports {
  readonly game: Game
  readonly session: Session
  readonly device: Device
  /** `[A-Za-z0-9_-]{1,64}`. */
  readonly name: string
  /** By which frames may come. */
  readonly ways: Ways
  onStatus(status: Status): void
  /** The host does not take the session any more. The room is closed. */
  onSignedOut(): void
}

/** How often a hidden page asks, in milliseconds. */
const HIDDEN_MS = 30_000
/** How often the room is kept for a faster start, in milliseconds. */
const KEEP_ROOM_MS = 10_000
/** How often the state is looked at when nothing happens, in milliseconds. */
const CHECK_MS = 200
/** For how long nothing is predicted after the rules trapped, or longer while actions wait, in milliseconds. */
const CAUTION_MS = 5_000
/** What an action returns on which the rules trap: as if they had refused it. */
const TRAPPED = -1_000 - 65_281

/** A room that is being played. */
export class Room {
  readonly #ports: Ports
  readonly #live: Live
  readonly #waiting = new Map<number, (verdict: Verdict) => void>()
  #replica: Replica
  /** What is on disk. */
  #kept: Uint8Array
  readonly #looker = new Looker()
  readonly #hearing = new Hearing()
  readonly #asker = new Asker({
    stopped: () => this.#stopped(),
    due: (now_ms, asked_ms) => this.#due(now_ms, asked_ms),
    ask: (now_ms) => this.#ask(now_ms),
    look_ms: HIDDEN_MS,
  })
  #status: Status = 'joining'
  #closed = false
  #broken = false
  /** When the rules trapped in a prediction; null: they are trusted. */
  #trapped_ms: number | null = null
  #keptRoom_ms = 0
  readonly #check: ReturnType<typeof setInterval>

  /** Goes on where this device was in the room, or begins. */
  static async open(ports: Ports): Promise<Room> {
    const { device, name } = ports
    const [queue, room] = await Promise.all([device.loadQueue(name), device.loadRoom(name)])
    return new Room(ports, queue ?? new Uint8Array(), room)
  }

  private constructor(ports: Ports, queue: Uint8Array, room: Uint8Array | undefined) {
    this.#ports = ports
    this.#kept = queue
    this.#replica = this.#resume(queue)
    if (room) this.#call((replica) => replica.warmUp(room, performance.now()), false)
    this.#live = new Live(ports.name, ports.session, ports.ways, {
      onFrame: (frame) => this.#take((replica, now) => replica.frame(frame, now)),
      onChange: () => this.#asker.pump(),
    })
    this.#check = setInterval(() => this.#tell(), CHECK_MS)
    addEventListener('online', this.#wake)
    addEventListener('pagehide', this.#leave)
    document.addEventListener('visibilitychange', this.#seen)
    this.#seen()
  }

  get name(): string {
    return this.#ports.name
  }

  get status(): Status {
    return this.#status
  }

  /** The stable code of the refusal that `refused` is about. */
  get refusal(): string | null {
    return this.#hearing.refusal
  }

  /** Walks at an angle step, clockwise from the right, or stops. Predicted at once, as all that follows. */
  steer(angle: number | null): Promise<Verdict> {
    return this.#act((replica, now_ms) => replica.steer(angle ?? undefined, now_ms))
  }

  /** Strikes what is in front, or fires. */
  strike(): Promise<Verdict> {
    return this.#act((replica, now_ms) => replica.strike(now_ms))
  }

  /** Uses a medkit: on oneself, or on a friend. */
  heal(): Promise<Verdict> {
    return this.#act((replica, now_ms) => replica.heal(now_ms))
  }

  /** Throws a lure. */
  lure(): Promise<Verdict> {
    return this.#act((replica, now_ms) => replica.lure(now_ms))
  }

  /** The room now; null as long as nothing is known of it. */
  look(now_ms: number): Look | null {
    if (this.#stopped()) return this.#looker.last
    return this.#call((replica) => this.#looker.at(replica, now_ms), this.#looker.last)
  }

  /** The newest version that was replayed; 0 if none. */
  version(): number {
    return this.#call((replica) => replica.version(), 0)
  }

  /** The hash of that frame, which covers the whole history and state. */
  hash(): string {
    return this.#call((replica) => replica.hash(), '')
  }

  /** Version and hash of the frames that were replayed one by one, oldest first; about a thousand. */
  history(): [number, string][] {
    return this.#call((replica) => JSON.parse(replica.trail()) as [number, string][], [])
  }

  /** How many actions are without an answer. */
  pending(): number {
    return this.#call((replica) => replica.pending(), 0)
  }

  /** The device's id, in hexadecimal. */
  device(): string {
    const id = this.#call((replica) => replica.device(), new Uint8Array())
    return Array.from(id, (byte) => byte.toString(16).padStart(2, '0')).join('')
  }

  /** The report of a desync, as JSON; null if there is none. */
  report(): string | null {
    return this.#call((replica) => replica.desync() ?? null, null)
  }

  /** Lets go of the room without a word: the player leaves by the grace time. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#asker.stop()
    clearInterval(this.#check)
    removeEventListener('online', this.#wake)
    removeEventListener('pagehide', this.#leave)
    document.removeEventListener('visibilitychange', this.#seen)
    this.#live.want(false)
    this.#answerAll('closed')
  }

  /** Does what a player wants; the verdict comes with the answer. */
  #act(work: (replica: Replica, now_ms: number) => number): Promise<Verdict> {
    if (this.#closed) return Promise.resolve({ accepted: false, code: 'closed' })
    const returned = this.#call((replica) => work(replica, performance.now()), TRAPPED, true)
    if (returned < 0) return Promise.resolve(refusalOf(returned))
    this.#looker.corrected()
    this.#asker.pump()
    return new Promise((resolve) => this.#waiting.set(returned, resolve))
  }

  #due(now_ms: number, asked_ms: number): number {
    const ask_ms = this.#call((replica) => replica.askAt(this.#live.open, now_ms), now_ms + CHECK_MS)
    return document.hidden ? Math.max(ask_ms, asked_ms + HIDDEN_MS) : ask_ms
  }

  async #ask(now_ms: number): Promise<void> {
    const { name, session } = this.#ports
    const made = this.#call(
      (replica) => ({ queue: replica.save(), body: replica.request(this.#live.open, now_ms) }),
      null,
    )
    if (!made) return
    await this.#keep(made.queue)
    const sent_ms = performance.now()
    const answer = await post(roomUrl(name), session, made.body)
    if (this.#closed) return
    this.#take((replica, now) => this.#hear(replica, answer, sent_ms, now))
    if (answer.tag === 'reply') this.#live.want(!document.hidden && !this.#stopped())
    if (answer.tag === 'refused' && answer.code === 'unauthorized') {
      this.close()
      this.#ports.onSignedOut()
    }
    this.#keepRoom()
  }

  #hear(replica: Replica, answer: Answer, sent_ms: number, now_ms: number): void {
    const before = replica.version()
    const understood = answer.tag === 'reply' && replica.receive(answer.bytes, sent_ms, now_ms)
    if (replica.version() > before) this.#live.missed()
    if (answer.tag !== 'reply') {
      const { code, expected } = answer.tag === 'refused' ? answer : {}
      replica.refused(code, expected, now_ms)
    }
    this.#hearing.take(answer, understood, now_ms)
  }

  /** Something came: the replica takes it in, and tells what happened. */
  #take(work: (replica: Replica, now_ms: number) => void): void {
    if (this.#stopped()) return
    this.#call((replica) => {
      work(replica, performance.now())
      for (const note of JSON.parse(replica.notes()) as Note[]) this.#read(replica, note)
    }, undefined)
    this.#looker.corrected()
    this.#tell()
    this.#asker.pump()
  }

  #read(replica: Replica, note: Note): void {
    if (note.note === 'answer') {
      this.#waiting.get(note.seq)?.(verdictOf(note.code))
      this.#waiting.delete(note.seq)
    } else if (note.note === 'evicted') {
      replica.renew(this.#ports.game.instance.newDevice(), performance.now())
      this.#answerAll('evicted')
    } else if (note.note === 'desync') {
      console.error('baton: desync', this.report())
    }
  }

  #answerAll(code: RejectCode): void {
    for (const resolve of this.#waiting.values()) resolve({ accepted: false, code })
    this.#waiting.clear()
  }

  /** Whether nothing is asked any more. */
  #stopped(): boolean {
    return this.#closed || this.#status === 'desync' || this.#status === 'reload'
  }

  #tell(): void {
    if (this.#stopped()) return
    this.#trust(performance.now())
    const status = this.#statusNow(performance.now())
    if (status === this.#status) return
    this.#status = status
    if (this.#stopped()) this.#live.want(false)
    this.#ports.onStatus(status)
  }

  #statusNow(now_ms: number): Status {
    if (this.#broken) return 'reload'
    const status = this.#call((replica) => replica.status(now_ms), 'joining') as Status
    if (status === 'desync' || status === 'reload' || status === 'waiting' || status === 'halted') return status
    if (this.#hearing.refusal) return 'refused'
    const trouble = this.#hearing.trouble(now_ms)
    // What was kept from last time is never shown as fresh.
    if (!this.#hearing.heard) return trouble ? 'reconnecting' : 'joining'
    if (status === 'stalled') return 'stalled'
    return trouble ? 'reconnecting' : status
  }

  /** Predicts again, if it is time to. */
  #trust(now_ms: number): void {
    if (this.#trapped_ms === null || now_ms - this.#trapped_ms < CAUTION_MS || this.pending() > 0) return
    this.#trapped_ms = null
    this.#call((replica) => replica.setCautious(false, now_ms), undefined)
    this.#looker.corrected()
  }

  async #keep(queue: Uint8Array): Promise<void> {
    if (same(queue, this.#kept)) return
    await this.#ports.device.saveQueue(this.name, queue)
    this.#kept = queue
  }

  #keepRoom(): void {
    const now = performance.now()
    if (now - this.#keptRoom_ms < KEEP_ROOM_MS) return
    this.#keptRoom_ms = now
    const room = this.#call((replica) => replica.saveRoom(), undefined)
    if (room) this.#ports.device.saveRoom(this.name, room).catch(() => undefined)
  }

  readonly #wake = (): void => this.#asker.pump()

  readonly #seen = (): void => {
    this.#call((replica) => replica.setAway(document.hidden), undefined)
    this.#live.want(this.#hearing.heard && !document.hidden && !this.#stopped())
    this.#asker.pump()
  }

  /** The page goes away. What is not on disk is not sent: then the grace time has to do. */
  readonly #leave = (): void => {
    const { name, session } = this.#ports
    const queue = this.#call((replica) => replica.save(), null)
    if (!queue || !this.#hearing.heard || !same(queue, this.#kept)) return
    const body = this.#call((replica) => replica.leave(performance.now()), null)
    if (body) void post(roomUrl(name), session, body, true)
    this.close()
  }

  #resume(queue: Uint8Array): Replica {
    const { game, session, device } = this.#ports
    const { Replica } = game.instance
    return Replica.resume(session.user, queue) ?? new Replica(session.user, device.id)
  }

  /**
   * Calls the wasm. After a trap the instance is poisoned: another one goes on with what is on disk, and predicts
   * nothing until the host has found what is at fault. If it traps all the same, on what is in the log, that is for
   * good. `fresh`: at fault is what the player wanted just now, which is in no queue.
   */
  #call<T>(work: (replica: Replica) => T, otherwise: T, fresh = false): T {
    if (this.#broken) return otherwise
    try {
      return work(this.#replica)
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error
      console.error('baton: the rules trapped', error)
      this.#broken = this.#trapped_ms !== null && !fresh
      this.#trapped_ms = performance.now()
      this.#ports.game.renew()
      this.#replica = this.#resume(this.#kept)
      this.#replica.setCautious(true, this.#trapped_ms)
      this.#answerAll('closed')
      // It has nothing yet.
      queueMicrotask(() => this.#asker.pump())
      return otherwise
    }
  }
}
