/**
 * What is sent by realtime, to the outer pages: one stream of events for each, which names the channels that it wants.
 * Delivers to who is there, once, and promises no more.
 */

import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Connection } from './connection.ts'
import { INSTALLATION } from './identity.ts'
import { SENT } from './realtime.ts'

/** How often a stream is kept alive, in milliseconds. */
const ALIVE_MS = 15_000

interface Stream {
  outgoing: ServerResponse
  channels: Set<string>
}

export class Streams {
  readonly #streams = new Map<string, Stream>()
  readonly #alive: NodeJS.Timeout

  private constructor() {
    this.#alive = setInterval(() => {
      for (const { outgoing } of this.#streams.values()) outgoing.write(':\n\n')
    }, ALIVE_MS)
  }

  static async start(listener: Connection): Promise<Streams> {
    const streams = new Streams()
    await listener.listen(SENT, (message) => {
      const { channel } = JSON.parse(message) as { channel: string }
      for (const stream of streams.#streams.values()) {
        if (stream.channels.has(channel)) stream.outgoing.write(`event: message\ndata: ${message}\n\n`)
      }
    })
    return streams
  }

  get size(): number {
    return this.#streams.size
  }

  /** Begins a stream, which says its own name first. */
  open(outgoing: ServerResponse): void {
    const id = randomUUID()
    outgoing.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    outgoing.write(`event: open\ndata: ${JSON.stringify(id)}\n\n`)
    this.#streams.set(id, { outgoing, channels: new Set() })
    outgoing.once('close', () => this.#streams.delete(id))
  }

  /** Has a stream get these channels, named as the app names them, and no others. Returns their full names. */
  subscribe(id: string, names: string[]): string[] | undefined {
    const stream = this.#streams.get(id)
    if (!stream) return undefined
    stream.channels = new Set(names.map((name) => `${INSTALLATION}:${name}`))
    return [...stream.channels]
  }

  stop(): void {
    clearInterval(this.#alive)
    for (const { outgoing } of this.#streams.values()) outgoing.end()
  }
}
