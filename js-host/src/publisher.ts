/**
 * Sends frames to those who listen, where a platform takes so many messages a second and promises nothing: at once while
 * there is room, else several frames of a room together. What is lost is asked for by who lacks it. Must not know what is
 * in a frame.
 */

import { toBase64 } from './base64'
import { RateLimit } from './rate'
import { channelOf, type Published } from './realtime'
import { within } from './within'

/** For how long whoever published waits until that is sent, in milliseconds: the platform may stop it after its answer. */
const PATIENCE_MS = 100
/** Messages a second: of the platform's 100 for an installation, since other processes send too. */
const RATE = { per_second: 40, burst: 40 }
/** How often it is looked whether there is room again, in milliseconds. */
const WAIT_MS = 50
/** A message that nobody has answered for so long, in milliseconds, counts as refused. */
const TIMEOUT_MS = 3_000
/** After a refusal nothing is sent for so long, in milliseconds. */
const PAUSE_MS = 1_000
/** Bytes of frames that one message carries, at most; older ones that wait are dropped. */
const MAX_BYTES = 256 * 1024
/** Rooms whose channel is remembered. */
const MAX_ROOMS = 1_000

/** What takes a message. @throws if it was refused, or nobody knows */
export type Send = (channel: string, message: Published) => Promise<void>

interface Room {
  channel: Promise<string>
  waiting: string[]
  /** On behalf of who published last: of requests that have ended nothing may be sent any more. */
  send: Send
  busy: boolean
  /** Told when what waits is sent, or is not. */
  told: (() => void)[]
}

/** The frames of an installation's rooms on their way out. */
export class Publisher {
  readonly #rate: RateLimit
  readonly #rooms = new Map<string, Room>()
  /** Messages that were taken, and that were not. */
  readonly counters = { sent: 0, refused: 0 }

  constructor(now: () => number = Date.now) {
    this.#rate = new RateLimit(RATE, now)
  }

  /**
   * Sends a frame of a room by `send`, or with later ones as those are sent. Resolves when that was done, or after a
   * moment: it goes on by itself. Never throws.
   */
  publish(name: string, published: Uint8Array, send: Send): Promise<void> {
    const room: Room = this.#rooms.get(name) ?? { channel: channelOf(name), waiting: [], send, busy: false, told: [] }
    room.send = send
    this.#rooms.delete(name)
    this.#rooms.set(name, room)
    const [oldest] = this.#rooms.keys()
    if (this.#rooms.size > MAX_ROOMS && oldest !== undefined) this.#rooms.delete(oldest)
    room.waiting.push(toBase64(published))
    trim(room.waiting)
    const done = new Promise<void>((told) => room.told.push(told))
    if (!room.busy) void this.#run(room)
    return within(PATIENCE_MS, done).catch(() => {})
  }

  async #run(room: Room): Promise<void> {
    room.busy = true
    while (room.waiting.length > 0) {
      while (this.#rate.take('') > 0) await pause(WAIT_MS)
      const frames = room.waiting.splice(0)
      const told = room.told.splice(0)
      try {
        await within(TIMEOUT_MS, room.send(await room.channel, { frames }))
        this.counters.sent += 1
      } catch {
        this.counters.refused += 1
        for (const tell of told.splice(0)) tell()
        await pause(PAUSE_MS)
      }
      for (const tell of told) tell()
    }
    room.busy = false
  }
}

/** Keeps the newest that a message may carry. */
function trim(frames: string[]): void {
  let bytes = frames.reduce((sum, { length }) => sum + length, 0)
  while (bytes > MAX_BYTES && frames.length > 1) bytes -= frames.shift()?.length ?? 0
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms))
}
