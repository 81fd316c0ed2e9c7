/**
 * The account of who plays, as a page has it: a copy that works without network, a queue that is on disk before anything of
 * it is sent, and what became of each action. Decides when to ask; what is predicted, sent and believed is the replica's.
 * Must not know how anything is drawn.
 */

import { Asker, Hearing, same } from './asking'
import type { Device } from './device'
import type { AccountReplica, Instance, Note, Stats } from './game'
import { ACCOUNT_URL, type Answer, ORDER_URL, type post } from './line'
import { carry, type OrderEnd, type Said } from './order'
import type { Session } from './session'

/** How often the account is asked about when nothing is known to have happened, in milliseconds. */
const IDLE_MS = 30_000
/** What an action returns on which the rules trap: as if they had refused it. */
const TRAPPED = -1_000 - 65_281
/** Of what was refused, so many are remembered. */
const REFUSED = 8

/** A seed that a run may be played with. It is text, since it is more than a number holds. */
export interface Seed {
  readonly seed: string
  /** In milliseconds since 1970. */
  readonly until_ms: number
}

/** What became of a run. */
export type Judged = { readonly seed: string } & (
  | { readonly score: number; readonly scrap: number }
  | { readonly flaw: string }
)

/** What there is to buy. */
export interface Sold {
  readonly item: string
  readonly look: number
  readonly currency: 'coins' | 'scrap'
  readonly price: number
}

/** An account, with what is pending. */
export interface AccountView {
  readonly coins: number
  readonly scrap: number
  readonly games: number
  readonly matches: Stats
  readonly runs: Stats
  readonly goals: readonly string[]
  readonly items: readonly string[]
  readonly look: number
  readonly preferences: Readonly<Record<string, number>>
  /** In this device's order. */
  readonly seeds: readonly Seed[]
  /** Seeds of runs that were handed in and not judged yet. */
  readonly waiting: readonly string[]
  readonly judged: readonly Judged[]
  readonly sold: readonly Sold[]
}

/** Why an action came to nothing. */
export type AccountCode =
  /** Nothing is known of the account yet. */
  | 'joining'
  /** Too much is without an answer. */
  | 'full'
  /** The page let go of the account first: what is on disk goes on next time. */
  | 'closed'
  /** The account forgot the device: the action never arrived, or its answer did not. */
  | 'evicted'
  /** It was answered so long ago that nobody knows how. */
  | 'old'
  /** There is no network, and this is not done without. */
  | 'offline'
  /** Nobody answered for certain: it may have been done, and then the account shows it. */
  | 'unknown'
  /** The account stands still until it is mended. */
  | 'halted'
  | ('server_only' | 'player_only' | 'unknown_seed' | 'used_seed' | 'expired_seed' | 'long_run' | 'owned' | 'poor')
  | (
      | 'other_currency'
      | 'locked'
      | 'not_earned'
      | 'nothing'
      | 'imported'
      | 'malformed'
      | 'faulted'
      | 'outdated'
      | 'other'
    )

const CODES: Record<number, AccountCode> = {
  1: 'server_only',
  2: 'player_only',
  3: 'unknown_seed',
  4: 'used_seed',
  5: 'expired_seed',
  6: 'long_run',
  7: 'owned',
  8: 'poor',
  9: 'other_currency',
  10: 'locked',
  11: 'not_earned',
  12: 'nothing',
  13: 'imported',
  65280: 'malformed',
  65281: 'faulted',
  65282: 'outdated',
}

/** Why nothing was ordered, where the host has other words for it. */
const FAILED: Record<string, AccountCode> = {
  joining: 'joining',
  unregistered: 'joining',
  evicted: 'evicted',
  offline: 'offline',
  halted: 'halted',
  busy: 'full',
}

/** Something that is bought with coins. */
export interface Purchase {
  readonly item: string
  /** Null as long as it is under way; else why it was not bought, or nobody knows. */
  readonly code: AccountCode | null
}

/** What became of an action. */
export type AccountVerdict = { accepted: true } | { accepted: false; code: AccountCode }

/** An action that was done. */
export interface Acted {
  /** Resolves when it is in the queue on disk: from then on it survives the page. Not at all if it was not taken. */
  readonly kept: Promise<void>
  /** The server's word. Comes when there is a network. */
  readonly verdict: Promise<AccountVerdict>
}

/** How it goes. */
export interface AccountState {
  /** Null as long as nothing is known of it. */
  readonly view: AccountView | null
  /** Actions without an answer. */
  readonly pending: number
  /** Actions of this page that the server refused, the last ones, oldest first. */
  readonly refused: readonly { seq: number; code: AccountCode }[]
  /** What is being bought with coins, or was not; null if it was. */
  readonly purchase: Purchase | null
  /** Actions that were lost, or whose answers were, since the account had forgotten this device. */
  readonly evicted: number
  /** Whether the server has not been heard of, or not for the last moment: the view may be old. */
  readonly stale: boolean
  /** Whether the queue survives the page. */
  readonly durable: boolean
  /** The page must be loaded again: its rules are not the account's. */
  readonly outdated: boolean
  /** The stable code by which the host refuses us. */
  readonly refusal: string | null
}

/** What an account needs. */
export interface AccountPorts {
  /** An instance for it alone. */
  instance(): Instance
  readonly session: Session
  readonly device: Device
  readonly post: typeof post
  onChange(): void
  /** The host does not take the session any more. The account is closed. */
  onSignedOut(): void
}

/** What the queue is called on a device: no room has this name. */
export const ACCOUNT_QUEUE = 'account:me'

/** An account that is kept. */
export class Account {
  readonly #ports: AccountPorts
  readonly #waiting = new Map<number, (verdict: AccountVerdict) => void>()
  readonly #roomKey: string
  #instance: Instance
  #replica: AccountReplica
  /** What is on disk, or on its way there. */
  #kept: Uint8Array
  #keptVersion = 0
  #traps = 0
  readonly #hearing = new Hearing()
  readonly #asker = new Asker({
    stopped: () => this.#stopped(),
    due: (now_ms, asked_ms) => this.#due(now_ms, asked_ms),
    ask: (now_ms) => this.#ask(now_ms),
    look_ms: IDLE_MS,
  })
  #wanted = true
  #closed = false
  #refused: AccountState['refused'] = []
  #purchase: Purchase | null = null
  /** The number of the last order. */
  #ordered = 0
  #evicted = 0

  /** Goes on where this device was, or begins. */
  static async open(ports: AccountPorts): Promise<Account> {
    const { device, session } = ports
    // Of this device alone: another tab's may be older, and would offer seeds that are used.
    const roomKey = `account:${session.user}/${hex(device.id)}`
    const [queue, room] = await Promise.all([device.loadQueue(ACCOUNT_QUEUE), device.loadRoom(roomKey)])
    return new Account(ports, roomKey, queue ?? new Uint8Array(), room)
  }

  private constructor(ports: AccountPorts, roomKey: string, queue: Uint8Array, room: Uint8Array | undefined) {
    this.#ports = ports
    this.#roomKey = roomKey
    this.#kept = queue
    this.#instance = ports.instance()
    this.#replica = this.#resume(queue)
    if (room) this.#call((replica) => replica.warmUp(room, performance.now()), false)
    this.#keptVersion = this.version()
    addEventListener('online', this.#wake)
    addEventListener('offline', this.#alone)
    document.addEventListener('visibilitychange', this.#wake)
    // What was done while the room was saved and the queue was not yet is told of now.
    this.#take(() => undefined)
  }

  /** Hands in a run. */
  run(seed: string, inputs: Uint8Array): Acted {
    return this.#act((replica, now_ms) => replica.run(seed, inputs, now_ms))
  }

  /** Buys with scrap. */
  buy(item: string): Acted {
    return this.#act((replica, now_ms) => replica.buy(item, now_ms))
  }

  /**
   * Buys with coins: the server does, while this waits. Only with a network, one at a time, and never kept for later: who
   * lets go of the page sees in the account whether it was done.
   */
  async purchase(item: string): Promise<AccountVerdict> {
    if (this.#closed) return { accepted: false, code: 'closed' }
    if (this.#purchase?.code === null) return { accepted: false, code: 'full' }
    const code = this.state.stale ? 'offline' : await this.#order(item)
    this.#purchase = code === null ? null : { item, code }
    this.#ports.onChange()
    return code === null ? { accepted: true } : { accepted: false, code }
  }

  /** Takes on a look. */
  wear(look: number): Acted {
    return this.#act((replica, now_ms) => replica.look(look, now_ms))
  }

  /** Sets a preference. */
  prefer(preference: string, value: number): Acted {
    return this.#act((replica, now_ms) => replica.prefer(preference, value, now_ms))
  }

  get state(): AccountState {
    const now_ms = performance.now()
    const shown = this.#call((replica) => replica.account(), undefined)
    const status = this.#call((replica) => replica.status(now_ms), 'joining')
    return {
      view: shown === undefined ? null : (JSON.parse(shown) as AccountView),
      pending: this.#call((replica) => replica.pending(), 0),
      refused: this.#refused,
      purchase: this.#purchase,
      evicted: this.#evicted,
      stale: !this.#hearing.heard || this.#hearing.trouble(now_ms),
      durable: this.#ports.device.durable,
      outdated: this.#traps > 1 || status === 'reload' || status === 'desync',
      refusal: this.#hearing.refusal,
    }
  }

  /** The newest version that was replayed; 0 if none. */
  version(): number {
    return this.#call((replica) => replica.version(), 0)
  }

  /** The hash of that frame, which covers the whole history and state. */
  hash(): string {
    return this.#call((replica) => replica.hash(), '')
  }

  /** The server may have news, as after a match. */
  wake(): void {
    this.#wanted = true
    this.#asker.pump()
  }

  /** Resolves when the queue is on disk as it is now. */
  kept(): Promise<void> {
    return this.#keep()
  }

  /** Lets go of it. What is on disk goes on next time. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#asker.stop()
    removeEventListener('online', this.#wake)
    removeEventListener('offline', this.#alone)
    document.removeEventListener('visibilitychange', this.#wake)
    this.#answerAll('closed')
  }

  #act(work: (replica: AccountReplica, now_ms: number) => number): Acted {
    const not = (code: AccountCode): Acted => {
      const kept = Promise.reject(new Error(code))
      // Who only waits for the verdict is not told twice.
      kept.catch(() => undefined)
      return { kept, verdict: Promise.resolve({ accepted: false, code }) }
    }
    if (this.#closed) return not('closed')
    const returned = this.#call((replica) => work(replica, performance.now()), TRAPPED)
    if (returned === -1) return not('joining')
    if (returned === -2) return not('full')
    if (returned < 0) return not(codeOf(-1_000 - returned))
    const verdict = new Promise<AccountVerdict>((resolve) => this.#waiting.set(returned, resolve))
    // At once, also if nobody can be asked for days.
    const kept = this.#keep()
    void kept.then(() => this.#asker.pump())
    this.#ports.onChange()
    return { kept, verdict }
  }

  /** Null if it was bought. */
  async #order(item: string): Promise<AccountCode | null> {
    this.#purchase = { item, code: null }
    this.#ports.onChange()
    const { session } = this.#ports
    const order = {
      bytes: (number: number) => {
        this.#ordered = number
        return this.#call((replica) => replica.order(item, number), undefined) ?? null
      },
      send: (bytes: Uint8Array) => this.#ports.post(ORDER_URL, session, bytes),
      read: (answer: Uint8Array) => this.#call(() => saidOf(this.#instance.AccountReplica.ordered(answer)), null),
      stopped: () => this.#closed,
    }
    // Whatever this device ordered before has a lower number, also before this page, unless the clock went back: then the
    // host says which.
    const ended = await carry(order, Math.max(this.#ordered + 1, Date.now()))
    // What it changed, or why it could not, the account shows.
    if (!this.#closed) this.wake()
    return whyNot(ended)
  }

  /** As soon as the replica may, while something is to be said or to come; else seldom. A hidden page waits. */
  #due(now_ms: number, asked_ms: number): number {
    const [ask_ms, busy] = this.#call(
      (replica) => {
        const waits = replica.pending() > 0 || replica.status(now_ms) === 'joining' || replica.owed(now_ms)
        return [replica.askAt(false, now_ms), waits]
      },
      [now_ms + IDLE_MS, false],
    )
    const soon = (busy || this.#wanted) && !document.hidden && navigator.onLine
    return soon ? ask_ms : Math.max(ask_ms, asked_ms + IDLE_MS)
  }

  async #ask(now_ms: number): Promise<void> {
    this.#wanted = false
    const { session } = this.#ports
    const body = this.#call((replica) => replica.request(false, now_ms), null)
    if (!body) return
    // What is in the request is in the queue, which is on disk before it goes.
    await this.#keep()
    if (this.#closed) return
    const sent_ms = performance.now()
    const answer = await this.#ports.post(ACCOUNT_URL, session, body)
    if (this.#closed) return
    this.#take((replica, now) => this.#hear(replica, answer, sent_ms, now))
    if (answer.tag === 'refused' && answer.code === 'unauthorized') {
      this.close()
      this.#ports.onSignedOut()
      return
    }
    // First the account, then the queue: what the queue has forgotten is in the account beside it, so that a seed that was
    // used is not in hand again.
    await this.#keepRoom()
    await this.#keep()
  }

  #hear(replica: AccountReplica, answer: Answer, sent_ms: number, now_ms: number): void {
    const understood = answer.tag === 'reply' && replica.receive(answer.bytes, sent_ms, now_ms)
    if (answer.tag !== 'reply') {
      const { code, expected } = answer.tag === 'refused' ? answer : {}
      replica.refused(code, expected, now_ms)
    }
    this.#hearing.take(answer, understood, now_ms)
  }

  #take(work: (replica: AccountReplica, now_ms: number) => void): void {
    this.#call((replica) => {
      work(replica, performance.now())
      for (const note of JSON.parse(replica.notes()) as Note[]) this.#read(replica, note)
    }, undefined)
    this.#ports.onChange()
    this.#asker.pump()
  }

  #read(replica: AccountReplica, note: Note): void {
    if (note.note === 'answer') {
      const code = note.code === null ? 'old' : codeOf(note.code)
      if (note.code !== 0) this.#refused = [...this.#refused, { seq: note.seq, code }].slice(-REFUSED)
      this.#waiting.get(note.seq)?.(note.code === 0 ? { accepted: true } : { accepted: false, code })
      this.#waiting.delete(note.seq)
    } else if (note.note === 'evicted') {
      this.#evicted += replica.renew(this.#instance.newDevice(), performance.now())
      this.#answerAll('evicted')
    } else if (note.note === 'desync') {
      console.error('baton: the account is out of sync')
    }
  }

  #answerAll(code: AccountCode): void {
    for (const resolve of this.#waiting.values()) resolve({ accepted: false, code })
    this.#waiting.clear()
  }

  #stopped(): boolean {
    return this.#closed || this.#traps > 1
  }

  async #keep(): Promise<void> {
    const queue = this.#call((replica) => replica.save(), null)
    if (!queue || same(queue, this.#kept)) return this.#keeping
    this.#kept = queue
    this.#keeping = this.#ports.device.saveQueue(ACCOUNT_QUEUE, queue)
    await this.#keeping
  }

  /** The save that is on its way: nothing is kept before it is through. */
  #keeping: Promise<void> = Promise.resolve()

  async #keepRoom(): Promise<void> {
    const version = this.version()
    const room = version === this.#keptVersion ? undefined : this.#call((replica) => replica.saveRoom(), undefined)
    if (!room) return
    await this.#ports.device.saveRoom(this.#roomKey, room)
    this.#keptVersion = version
  }

  readonly #wake = (): void => {
    if (!document.hidden) this.wake()
  }

  /** It is stale from now on, and not only once the next question fails, which is asked seldom. */
  readonly #alone = (): void => this.#ports.onChange()

  #resume(queue: Uint8Array): AccountReplica {
    const { session, device } = this.#ports
    const { AccountReplica: Replica } = this.#instance
    return Replica.resume(session.user, queue) ?? new Replica(session.user, device.id)
  }

  /** Calls the wasm. After a trap another instance goes on with what is on disk, and predicts nothing; after two, none. */
  #call<T>(work: (replica: AccountReplica) => T, otherwise: T): T {
    if (this.#traps > 1) return otherwise
    try {
      return work(this.#replica)
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error
      console.error("baton: the account's rules trapped", error)
      this.#traps += 1
      this.#instance = this.#ports.instance()
      this.#replica = this.#resume(this.#kept)
      this.#replica.setCautious(true, performance.now())
      this.#answerAll('closed')
      queueMicrotask(() => this.#asker.pump())
      return otherwise
    }
  }
}

function saidOf(told: Float64Array | undefined): Said | null {
  const [tag, value = 0] = told ?? []
  if (tag === 0) return 'done'
  if (tag === 1) return { refused: value }
  if (tag === 2) return { ask_ms: value }
  return tag === 3 ? { mark: value } : null
}

function whyNot(ended: OrderEnd): AccountCode | null {
  if (ended === 'done') return null
  if (ended === 'unknown') return ended
  return 'refused' in ended ? codeOf(ended.refused) : (FAILED[ended.failed] ?? 'other')
}

function codeOf(code: number): AccountCode {
  return CODES[code] ?? 'other'
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
