/**
 * A room as somebody sees it who only watches: the replica, fed with GETs that are the same for everybody, so that a cache
 * may answer them, whatever the number of spectators. Decides when to look and what the connection's state is called; what
 * to get is the replica's. Says nothing to the room, and needs no session. Must not know how anything is drawn.
 */

import { Asker, Hearing } from './asking'
import type { Game, Note, Replica } from './game'
import { get } from './line'
import { type Look, Looker } from './look'
import type { Status } from './room'

/** How often the state is looked at when nothing happens, in milliseconds. */
const CHECK_MS = 200
/** How often a hidden page looks, in milliseconds. */
const HIDDEN_MS = 30_000

/** What is needed to watch a room. */
export interface Ports {
  readonly game: Game
  /** `[A-Za-z0-9_-]{1,64}`. */
  readonly name: string
  onStatus(status: Status): void
}

/** A room that is being watched. */
export class Spectator {
  readonly name: string
  readonly #ports: Ports
  readonly #looker = new Looker()
  readonly #check: ReturnType<typeof setInterval>
  readonly #hearing = new Hearing()
  readonly #asker = new Asker({
    stopped: () => this.#stopped(),
    due: (now_ms, asked_ms) => this.#due(now_ms, asked_ms),
    ask: () => this.#follow().finally(() => this.#tell(performance.now())),
    look_ms: HIDDEN_MS,
  })
  #replica: Replica
  #status: Status = 'joining'
  #closed = false
  /** How often the rules trapped: after the first time nothing is predicted, after the second nothing is shown. */
  #traps = 0

  constructor(ports: Ports) {
    this.#ports = ports
    this.name = ports.name
    this.#replica = ports.game.instance.Replica.spectator()
    this.#check = setInterval(() => this.#tick(), CHECK_MS)
    document.addEventListener('visibilitychange', this.#tick)
    this.#tick()
  }

  /** Looks no more. */
  close(): void {
    this.#closed = true
    clearInterval(this.#check)
    this.#asker.stop()
    document.removeEventListener('visibilitychange', this.#tick)
  }

  get status(): Status {
    return this.#status
  }

  /** The stable code of the refusal that `refused` is about. */
  get refusal(): string | null {
    return this.#hearing.refusal
  }

  /** The room now; null as long as nothing is known of it. */
  look(now_ms: number): Look | null {
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

  /** Nothing is ever sent. */
  pending(): number {
    return 0
  }

  /** There is none. */
  device(): string {
    return ''
  }

  /** The report of a desync, as JSON; null if there is none. */
  report(): string | null {
    return this.#call((replica) => replica.desync() ?? null, null)
  }

  readonly #tick = (): void => {
    this.#tell(performance.now())
    if (this.#stopped()) clearInterval(this.#check)
    else this.#asker.pump()
  }

  /** Whether nothing is asked any more. */
  #stopped(): boolean {
    return this.#closed || this.#status === 'desync' || this.#status === 'reload'
  }

  #due(now_ms: number, asked_ms: number): number {
    const ask_ms = this.#call((replica) => replica.askAt(false, now_ms), now_ms + CHECK_MS)
    return document.hidden ? Math.max(ask_ms, asked_ms + HIDDEN_MS) : ask_ms
  }

  /** Gets the tail, and what it says is missing. */
  async #follow(): Promise<void> {
    const tail = await this.#get('tail')
    if (!tail) return
    const hear = () => this.#call((replica) => replica.tail(tail, performance.now()), undefined)
    for (let next = hear(); next; ) {
      const body = await this.#get(next)
      if (!body) break
      const whole = next === 'snapshot'
      const on = this.#call((replica) => replica[whole ? 'snapshot' : 'block'](body, performance.now()), false)
      next = on && !whole ? hear() : undefined
    }
    this.#looker.corrected()
    const notes = this.#call((replica) => JSON.parse(replica.notes()) as Note[], [])
    if (notes.some(({ note }) => note === 'desync')) console.error('baton: desync', this.report())
  }

  async #get(path: string): Promise<Uint8Array | null> {
    const answer = await get(this.name, path)
    const now_ms = performance.now()
    this.#hearing.take(answer, answer.tag === 'reply', now_ms)
    if (answer.tag === 'reply') return answer.bytes
    const code = answer.tag === 'refused' ? answer.code : undefined
    this.#call((replica) => replica.refused(code, undefined, now_ms), undefined)
    return null
  }

  #tell(now_ms: number): void {
    const status = this.#statusNow(now_ms)
    if (this.#closed || status === this.#status) return
    this.#status = status
    this.#ports.onStatus(status)
  }

  #statusNow(now_ms: number): Status {
    if (this.#traps > 1) return 'reload'
    const status = this.#call((replica) => replica.status(now_ms), 'joining') as Status
    if (status === 'desync' || status === 'reload' || status === 'waiting' || status === 'halted') return status
    if (this.#hearing.refusal) return 'refused'
    if (this.#hearing.trouble(now_ms)) return status === 'stalled' ? 'stalled' : 'reconnecting'
    return this.#hearing.heard ? status : 'joining'
  }

  /** Calls the wasm. After a trap the instance is poisoned: another one begins anew, and predicts nothing. */
  #call<T>(work: (replica: Replica) => T, otherwise: T): T {
    if (this.#traps > 1) return otherwise
    try {
      return work(this.#replica)
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error
      console.error('baton: the rules trapped', error)
      this.#traps += 1
      this.#ports.game.renew()
      this.#replica = this.#ports.game.instance.Replica.spectator()
      this.#replica.setCautious(true, performance.now())
      return otherwise
    }
  }
}
