/**
 * Streams of what is published of each frame, as server-sent events, for hosts that have no sockets. Decides how a frame
 * becomes an event, and when a reader that does not keep up is let go; must not know what is in a frame.
 */

import { toBase64 } from './base64'
import { MAX_SOCKETS } from './limits'

/** How often a stream says that it lives, in milliseconds: proxies close what is silent. */
const ALIVE_MS = 15_000
/** Bytes that may wait for a reader. One that is further behind asks for what it lacks. */
const MAX_WAITING_BYTES = 256 * 1024

/** No event: the stream ends. */
const END = ''

/** Where frames come from: calls back with base64 of what is published of each, until it is told to stop. */
export type Listen = (room: string, hear: (published: string) => void) => Promise<() => void>

/** The open streams of a process. */
export class Streams {
  readonly #listen: Listen
  readonly #rooms = new Map<string, { readers: Set<(event: string) => void>; stop: Promise<() => void> }>()

  constructor(listen: Listen) {
    this.#listen = listen
  }

  /** How many there are. */
  get open(): number {
    return [...this.#rooms.values()].reduce((sum, { readers }) => sum + readers.size, 0)
  }

  /** Ends all of them. */
  end(): void {
    for (const { readers } of [...this.#rooms.values()]) for (const each of [...readers]) each(END)
  }

  /** A stream of a room; null if there are too many of it. Ends when its reader goes. */
  async stream(room: string): Promise<ReadableStream<Uint8Array> | null> {
    if ((this.#rooms.get(room)?.readers.size ?? 0) >= MAX_SOCKETS) return null
    const encoder = new TextEncoder()
    let send: ((event: string) => void) | null = null
    let alive: ReturnType<typeof setInterval> | undefined
    const leave = () => {
      if (alive !== undefined) clearInterval(alive)
      if (send) this.#leave(room, send)
      send = null
    }
    const stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          send = (event) => {
            if (event === END || (controller.desiredSize ?? 0) <= 0) {
              controller.close()
              leave()
              return
            }
            controller.enqueue(encoder.encode(event))
          }
          alive = setInterval(() => send?.(': alive\n\n'), ALIVE_MS)
        },
        cancel: leave,
      },
      new ByteLengthQueuingStrategy({ highWaterMark: MAX_WAITING_BYTES }),
    )
    // The reader knows from the first event on that nothing will be missed.
    if (send) await this.#join(room, send)
    ;(send as ((event: string) => void) | null)?.(': open\n\n')
    return stream
  }

  async #join(room: string, send: (event: string) => void): Promise<void> {
    const known = this.#rooms.get(room)
    if (known) {
      known.readers.add(send)
      await known.stop
      return
    }
    const readers = new Set([send])
    const hear = (published: string) => {
      for (const each of [...readers]) each(`data: ${published}\n\n`)
    }
    const stop = this.#listen(room, hear)
    this.#rooms.set(room, { readers, stop })
    try {
      await stop
    } catch (error) {
      this.#rooms.delete(room)
      throw error
    }
  }

  #leave(room: string, send: (event: string) => void): void {
    const known = this.#rooms.get(room)
    known?.readers.delete(send)
    if (!known || known.readers.size > 0) return
    this.#rooms.delete(room)
    known.stop.then((stop) => stop()).catch(() => undefined)
  }
}

/** What is published here is heard here: for rooms in the memory of one process. */
export class Loudspeaker {
  readonly #rooms = new Map<string, Set<(published: string) => void>>()

  readonly listen: Listen = async (room, hear) => {
    const heard = this.#rooms.get(room) ?? new Set()
    this.#rooms.set(room, heard.add(hear))
    return () => {
      heard.delete(hear)
      if (heard.size === 0) this.#rooms.delete(room)
    }
  }

  publish(room: string, published: Uint8Array): void {
    const heard = this.#rooms.get(room)
    if (!heard || published.length === 0) return
    const text = toBase64(published)
    for (const hear of [...heard]) hear(text)
  }
}
