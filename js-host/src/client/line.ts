/**
 * The ways to a room: a request and its answer, and a line that brings frames. Decides what a
 * failure is and when a lost line is tried again; must not know what the bytes mean.
 */

import type { Session } from './session'

const BATON_TYPE = 'application/vnd.baton'
/** A host that takes longer than this does not answer. Longer than a host waits for its store. */
const TIMEOUT_MS = 12_000
/** Pauses before a lost line is opened again, in milliseconds: doubled from the first to the last. */
const [FIRST_PAUSE_MS, LAST_PAUSE_MS] = [500, 15_000]

/** What came of a request. */
export type Answer =
  | { tag: 'reply'; bytes: Uint8Array }
  /** A stable code; nothing changed, unless the code says otherwise. */
  | { tag: 'refused'; code: string; expected: number | undefined }
  /** No answer, or one that makes no sense: what was sent may have been taken. */
  | { tag: 'failed' }

/** The address of a room, relative to the page. */
export function roomUrl(name: string): string {
  return `api/rooms/contagion/${name}`
}

/** The address of the caller's own account, relative to the page. */
export const ACCOUNT_URL = 'api/rooms/account/me'

/** Where it takes orders. */
export const ORDER_URL = `${ACCOUNT_URL}/order`

/** Sends a request to a room at an address. Never throws. `last`: the page goes away, nobody reads the answer. */
export async function post(url: string, { token }: Session, body: Uint8Array, last = false): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': BATON_TYPE, authorization: `Bearer ${token}` },
      body: body as Uint8Array<ArrayBuffer>,
      keepalive: last,
      signal: last ? null : AbortSignal.timeout(TIMEOUT_MS),
    })
    const type = response.headers.get('content-type')
    if (response.ok && type === BATON_TYPE) return { tag: 'reply', bytes: new Uint8Array(await response.arrayBuffer()) }
    const { code, expected } = (await response.json()) as { code?: unknown; expected?: unknown }
    if (typeof code !== 'string') return { tag: 'failed' }
    return { tag: 'refused', code, expected: typeof expected === 'number' ? expected : undefined }
  } catch {
    return { tag: 'failed' }
  }
}

/** Reads what is the same for everybody, below a room: the browser's own cache may answer. Never throws. */
export async function get(room: string, path: string): Promise<Answer> {
  try {
    const response = await fetch(`${roomUrl(room)}/${path}`, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    if (response.ok) return { tag: 'reply', bytes: new Uint8Array(await response.arrayBuffer()) }
    const { code } = (await response.json()) as { code?: unknown }
    return typeof code === 'string' ? { tag: 'refused', code, expected: undefined } : { tag: 'failed' }
  } catch {
    return { tag: 'failed' }
  }
}

/** What a line of frames tells. */
export interface Events {
  open(): void
  frame(bytes: Uint8Array): void
  /** It is over. Nothing is told after it. */
  lost(): void
}

/** A way by which frames come: opens a line; what is returned closes it, and nothing that it tells then counts. */
export type Way = (room: string, session: Session, events: Events) => () => void

/** The ways that there may be, the best first. */
export type Ways = readonly [Way, ...Way[]]

/** Who listens to a line. */
export interface LineTold {
  onFrame(frame: Uint8Array): void
  /** It opened, or was lost. */
  onChange(): void
}

/** So many answers in a row that bring what the line did not, and it is opened again: it may have died without a word. */
const MISSED = 3

/** The live line of a room: open while wanted, tried again with growing pauses. */
export class Live {
  readonly #room: string
  readonly #session: Session
  readonly #told: LineTold
  /** Which of them the host has is found out. */
  #ways: Ways
  #proven = false
  #close: (() => void) | null = null
  /** Closes it as if it had been lost. */
  #lose: (() => void) | null = null
  #open = false
  /** Answers that brought what the line did not, since it brought something. */
  #missed = 0
  #retry: ReturnType<typeof setTimeout> | undefined
  #pause_ms = FIRST_PAUSE_MS
  #wanted = false

  constructor(room: string, session: Session, ways: Ways, told: LineTold) {
    this.#room = room
    this.#session = session
    this.#ways = ways
    this.#told = told
  }

  /** Whether frames come, as far as is known. */
  get open(): boolean {
    return this.#open
  }

  /** An answer brought frames that the line has not. */
  missed(): void {
    if (!this.#open) return
    this.#missed += 1
    if (this.#missed >= MISSED) this.#lose?.()
  }

  /** Whether there should be a line. */
  want(wanted: boolean): void {
    if (wanted === this.#wanted) return
    this.#wanted = wanted
    clearTimeout(this.#retry)
    if (wanted) {
      this.#pause_ms = FIRST_PAUSE_MS
      this.#connect()
    } else {
      this.#close?.()
      this.#close = null
      this.#open = false
    }
  }

  #connect(): void {
    const [way, next, ...rest] = this.#ways
    let over = false
    const events: Events = {
      open: () => {
        if (over) return
        this.#proven = true
        this.#open = true
        this.#missed = 0
        this.#told.onChange()
      },
      frame: (bytes) => {
        if (over) return
        this.#missed = 0
        // Not for opening alone: some open, bring nothing, and are lost.
        this.#pause_ms = FIRST_PAUSE_MS
        this.#told.onFrame(bytes)
      },
      lost: () => {
        if (over) return
        over = true
        this.#close = null
        this.#open = false
        if (!this.#proven && next) this.#ways = [next, ...rest, way]
        this.#told.onChange()
        this.#retry = setTimeout(() => this.#wanted && this.#connect(), this.#pause_ms * (0.5 + Math.random()))
        this.#pause_ms = Math.min(2 * this.#pause_ms, LAST_PAUSE_MS)
      },
    }
    const close = way(this.#room, this.#session, events)
    this.#close = () => {
      over = true
      close()
    }
    this.#lose = () => {
      events.lost()
      close()
    }
  }
}
