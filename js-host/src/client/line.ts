/**
 * The ways to a room: a request and its answer, and a line that brings frames. Decides what a
 * failure is and when a lost line is tried again; must not know what the bytes mean.
 */

import { fromBase64 } from '../base64'
import type { Session } from './session'

const BATON_TYPE = 'application/vnd.baton'
const LIVE_PROTOCOL = 'baton.v1'
const EVENTS_TYPE = 'text/event-stream'
/** A stream that says nothing for so long is lost: its host says every 15 s that it lives. */
const SILENCE_MS = 40_000
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
interface Events {
  open(): void
  frame(bytes: Uint8Array): void
  /** It is over. Nothing is told after it. */
  lost(): void
}

/** Opens a line; what is returned closes it without a word. */
type Open = (room: string, session: Session, events: Events) => () => void

/** The live line of a room: open while wanted, tried again with growing pauses. */
export class Live {
  readonly #room: string
  readonly #session: Session
  readonly #onFrame: (frame: Uint8Array) => void
  readonly #onChange: () => void
  /** A socket where the host has them, else a stream of events: which, is found out. */
  #ways: [Open, Open] = [openSocket, openStream]
  #proven = false
  #close: (() => void) | null = null
  #open = false
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
    return this.#open
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
    const [way, other] = this.#ways
    let over = false
    const close = way(this.#room, this.#session, {
      open: () => {
        if (over) return
        this.#proven = true
        this.#open = true
        this.#pause_ms = FIRST_PAUSE_MS
        this.#onChange()
      },
      frame: (bytes) => {
        if (!over) this.#onFrame(bytes)
      },
      lost: () => {
        if (over) return
        over = true
        this.#close = null
        this.#open = false
        if (!this.#proven) this.#ways = [other, way]
        this.#onChange()
        this.#retry = setTimeout(() => this.#wanted && this.#connect(), this.#pause_ms * (0.5 + Math.random()))
        this.#pause_ms = Math.min(2 * this.#pause_ms, LAST_PAUSE_MS)
      },
    })
    this.#close = () => {
      over = true
      close()
    }
  }
}

const openSocket: Open = (room, { token }, events) => {
  const url = new URL(`${roomUrl(room)}/live`, document.baseURI)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  url.search = ''
  const socket = new WebSocket(url, [LIVE_PROTOCOL, token])
  socket.binaryType = 'arraybuffer'
  socket.onopen = () => events.open()
  socket.onmessage = ({ data }) => {
    if (data instanceof ArrayBuffer) events.frame(new Uint8Array(data))
  }
  // An error is always followed by this.
  socket.onclose = () => events.lost()
  return () => socket.close(1000)
}

/** Server-sent events by `fetch`: an EventSource could not send the token in a header. */
const openStream: Open = (room, { token }, events) => {
  const stop = new AbortController()
  const read = async () => {
    const headers = { accept: EVENTS_TYPE, authorization: `Bearer ${token}` }
    const response = await fetch(`${roomUrl(room)}/live`, { headers, signal: stop.signal })
    if (!response.ok || !response.headers.get('content-type')?.startsWith(EVENTS_TYPE) || !response.body) return
    let silence = setTimeout(() => stop.abort(), SILENCE_MS)
    let rest = ''
    try {
      for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
        clearTimeout(silence)
        silence = setTimeout(() => stop.abort(), SILENCE_MS)
        const lines = (rest + part).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) {
          if (line.startsWith('data: ')) events.frame(fromBase64(line.slice(6)))
          else if (line === ': open') events.open()
        }
      }
    } finally {
      clearTimeout(silence)
    }
  }
  read()
    .catch(() => undefined)
    .finally(() => events.lost())
  return () => stop.abort()
}
