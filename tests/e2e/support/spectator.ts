/**
 * Who watches without a word, by what caches hold: the client's wasm, which verifies every hash, and plain GETs. Must not
 * know what is between it and the host.
 */

import type { Replica } from '../../../js-host/dist/wasm/client/baton_client'
import type { Note } from '../../../js-host/src/client/game'
import { clientWasm } from './bot'

export class Spectator {
  readonly replica: Replica
  readonly notes: Note[] = []
  /** Paths below the room's that were read, in order. */
  readonly read: string[] = []
  readonly #room: string

  /** `room`: the room's URL. */
  constructor(room: string) {
    this.#room = room
    this.replica = clientWasm().Replica.spectator()
  }

  /** Looks once: the tail, and what it says is missing. */
  async look(): Promise<void> {
    const tail = await this.#get('tail')
    for (let next = tail && this.replica.tail(tail, performance.now()); next && tail; ) {
      const body = await this.#get(next)
      if (!body) break
      if (next === 'snapshot') {
        this.replica.snapshot(body, performance.now())
        break
      }
      next = this.replica.block(body, performance.now()) ? this.replica.tail(tail, performance.now()) : undefined
    }
    this.notes.push(...(JSON.parse(this.replica.notes()) as Note[]))
  }

  async #get(path: string): Promise<Uint8Array | null> {
    this.read.push(path)
    const answer = await fetch(`${this.#room}/${path}`)
    const body = new Uint8Array(await answer.arrayBuffer())
    return answer.ok ? body : null
  }
}
