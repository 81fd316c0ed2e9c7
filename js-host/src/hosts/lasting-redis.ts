/**
 * Connections to Redis that are made anew when nobody answers on them. A server that loses its power, or its network, closes
 * none of them; and the system goes on trying for a quarter of an hour, while the server's successor waits to be asked. Decides
 * when they are given up; must not know what is asked.
 */

import { log } from '../log'
import type { Scripts } from '../stores/redis'
import { within } from '../within'

type Hear = (published: string) => void

/** A connection to a server, or those to a cluster. */
export interface Redises {
  readonly scripts: Scripts
  connect(): Promise<unknown>
  subscribe(channel: string, hear: Hear): Promise<void>
  unsubscribe(channel: string, hear: Hear): Promise<void>
  /** Asks on each connection that seems to be there. A connection that is known to be lost is tried again by itself. */
  answers(): Promise<unknown>
  /** Ends it, when what is under way is done. */
  close(): Promise<unknown>
  /** Ends it at once. */
  drop(): void
}

/** The same, whichever connections it has now. */
export class Lasting {
  readonly #make: () => Redises
  readonly #silence_ms: number
  readonly #heard = new Map<string, Set<Hear>>()
  readonly #looks: ReturnType<typeof setInterval>
  #now: Redises
  #looking = false
  #closed = false

  readonly scripts: Scripts = { run: (...asked) => this.#now.scripts.run(...asked) }

  /** `silence_ms`: how long an answer may take, and how often one is asked for. @throws what the server says when it cannot be reached */
  static async open(make: () => Redises, silence_ms: number): Promise<Lasting> {
    const first = make()
    await first.connect()
    return new Lasting(make, silence_ms, first)
  }

  private constructor(make: () => Redises, silence_ms: number, now: Redises) {
    this.#make = make
    this.#silence_ms = silence_ms
    this.#now = now
    this.#looks = setInterval(() => void this.#look(), silence_ms)
  }

  async subscribe(channel: string, hear: Hear): Promise<void> {
    const heard = this.#heard.get(channel) ?? new Set()
    this.#heard.set(channel, heard.add(hear))
    const now = this.#now
    await now.subscribe(channel, hear).catch((error: unknown) => {
      // Who took its place has subscribed to it already.
      if (now !== this.#now) return
      this.#forget(channel, hear)
      throw error
    })
  }

  unsubscribe(channel: string, hear: Hear): Promise<void> {
    this.#forget(channel, hear)
    return this.#now.unsubscribe(channel, hear)
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#looks)
    await this.#now.close()
  }

  #forget(channel: string, hear: Hear): void {
    const heard = this.#heard.get(channel)
    heard?.delete(hear)
    if (heard?.size === 0) this.#heard.delete(channel)
  }

  async #look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      // What it says does not matter, also that it is busy.
      const said = this.#now.answers().catch(() => undefined)
      if (await heard(said, this.#silence_ms)) return
      log('warn', 'redis', { message: 'no answer: connecting anew' })
      const next = this.#make()
      if (!(await heard(next.connect(), this.#silence_ms)) || this.#closed) return next.drop()
      const old = this.#now
      this.#now = next
      for (const [channel, hears] of this.#heard) {
        for (const hear of hears) next.subscribe(channel, hear).catch(tell)
      }
      old.drop()
    } catch (error) {
      tell(error)
    } finally {
      this.#looking = false
    }
  }
}

/** Whether it comes in time. */
function heard(work: Promise<unknown>, limit_ms: number): Promise<boolean> {
  return within(limit_ms, work).then(
    () => true,
    () => false,
  )
}

export function tell(error: unknown): void {
  log('warn', 'redis', { message: error instanceof Error ? error.message : String(error) })
}
