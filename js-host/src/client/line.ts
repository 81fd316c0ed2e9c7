/**
 * The two ways to a room: a request and its answer, and a socket that brings frames. Decides what a
 * failure is and when a lost socket is tried again; must not know what the bytes mean.
 */

import type { Session } from './session'

const BATON_TYPE = 'application/vnd.baton'
const LIVE_PROTOCOL = 'baton.v1'
/** A host that takes longer than this does not answer. Longer than a host waits for its store. */
const TIMEOUT_MS = 12_000
/** Pauses before a lost socket is opened again, in milliseconds: doubled from the first to the last. */
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

/** Sends a request to a room. Never throws. `last`: the page goes away, nobody reads the answer. */
export async function post(room: string, { token }: Session, body: Uint8Array, last = false): Promise<Answer> {
  try {
    const response = await fetch(roomUrl(room), {
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

/** The live socket of a room: open while wanted, tried again with growing pauses. */
export class Live {
  readonly #room: string
  readonly #session: Session
  readonly #onFrame: (frame: Uint8Array) => void
  readonly #onChange: () => void
  #socket: WebSocket | null = null
  #retry: ReturnType<typeof setTimeout> | undefined
  #pause_ms = FIRST_PAUSE_MS
  #wanted = false

  constructor(room: string, session: Session, onFrame: (frame: Uint8Array) => void, onChange: () => void) {
    this.#room = room
    this.#session = session
    this.#onFrame = onFrame
    this.#onChange = onChange
  }

  /** Whether frames come. */
  get open(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  /** Whether there should be a socket. */
  want(wanted: boolean): void {
    if (wanted === this.#wanted) return
    this.#wanted = wanted
    clearTimeout(this.#retry)
    if (wanted) {
      this.#pause_ms = FIRST_PAUSE_MS
      this.#connect()
    } else {
      this.#socket?.close(1000)
      this.#socket = null
    }
  }

  #connect(): void {
    const url = new URL(`${roomUrl(this.#room)}/live`, document.baseURI)
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    url.search = ''
    const socket = new WebSocket(url, [LIVE_PROTOCOL, this.#session.token])
    socket.binaryType = 'arraybuffer'
    this.#socket = socket
    socket.onopen = () => {
      this.#pause_ms = FIRST_PAUSE_MS
      this.#onChange()
    }
    socket.onmessage = ({ data }) => {
      if (this.#socket === socket && data instanceof ArrayBuffer) this.#onFrame(new Uint8Array(data))
    }
    // An error is always followed by this.
    socket.onclose = () => {
      if (this.#socket !== socket) return
      this.#socket = null
      this.#onChange()
      this.#retry = setTimeout(() => this.#wanted && this.#connect(), this.#pause_ms * (0.5 + Math.random()))
      this.#pause_ms = Math.min(2 * this.#pause_ms, LAST_PAUSE_MS)
    }
  }
}
