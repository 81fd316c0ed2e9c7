/**
 * A player who costs next to nothing: asks and acts as a client does, but replays no frames, so
 * that a bench measures the host and not its own clients. Must not decide anything a replica would.
 */

import { PRESENCE, reply, request } from '../../tests/e2e/wire'
import { decode, encode } from '../src/codec'
import { type Arrival, type Head, nothing, type Outcome } from '../src/effect'

/** `Action::Steer` is its angle. */
const ANGLES = 32

export class Light {
  readonly #id: Uint8Array
  readonly #index: number
  #cursor: Head = nothing()
  #next = 1
  #mark = 0
  number: number | null = null

  constructor(index: number) {
    this.#index = index
    this.#id = crypto.getRandomValues(new Uint8Array(16))
  }

  /** The bytes of a request with so many new actions, and what is not answered yet; `frames`: no socket brings them. */
  request(presence: keyof typeof PRESENCE, actions: number, frames = false): Uint8Array {
    if (this.number !== null) this.#next += actions
    const sent = []
    for (let seq = this.#mark + 1; seq < this.#next; seq++) {
      sent.push({ seq, version: 1, body: Uint8Array.of((seq * 7 + this.#index) % ANGLES) })
    }
    return encode(request, {
      protocol: 1,
      cursor: this.#cursor,
      rules: 1,
      frames: Number(frames),
      device: {
        id: this.#id,
        number: this.number,
        session: 1,
        client: 1,
        presence: PRESENCE[presence],
        answered: this.#mark,
        kept_from: this.#mark + 1,
        actions: sent.slice(0, 32),
      },
    })
  }

  /** The same, as a host hands it to the driver. */
  arrival(presence: keyof typeof PRESENCE, actions: number): Arrival {
    const user = `bench-${this.#index}`
    return { who: { user, name: user }, call: { tag: 'play', request: this.request(presence, actions) } }
  }

  /** Takes in the body of a reply. */
  reply(body: Uint8Array): void {
    const { head, device } = decode(reply, body)
    this.#cursor = head
    this.number = device?.number ?? this.number
    this.#mark = device?.mark ?? this.#mark
  }

  /** Takes in an outcome. @throws if it is a refusal that a bench does not expect */
  take(outcome: Outcome): void {
    if (outcome.status !== 200) throw new Error(`refused: ${outcome.status} ${new TextDecoder().decode(outcome.body)}`)
    this.reply(outcome.body)
  }
}
