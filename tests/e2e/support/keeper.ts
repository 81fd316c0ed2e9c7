/**
 * A device of an account without a page: the client's wasm in Node, with requests only. Decides when to ask, as the wasm
 * says; must not know what is tested.
 */

import type { AccountReplica, Instance } from '../../../js-host/dist/wasm/client/baton_client'
import type { AccountView } from '../../../js-host/src/client/account'
import type { Session } from '../device'
import { clientWasm } from './bot'
import { until } from './browser'
import { exchange, type Send } from './exchange'

/** Of a run. */
const TICK_MS = 100

export class Keeper {
  readonly #wasm: Instance = clientWasm()
  readonly #url: string
  readonly #session: Session
  readonly #send: Send
  /** What the device holds for the time, in milliseconds. */
  readonly now: () => number
  #replica: AccountReplica

  constructor(url: string, session: Session, send: Send = fetch, clock = () => performance.now()) {
    this.#url = `${url}/api/rooms/account/me`
    this.#session = session
    this.#send = send
    this.now = clock
    this.#replica = new this.#wasm.AccountReplica(session.user, this.#wasm.newDevice())
  }

  get replica(): AccountReplica {
    return this.#replica
  }

  /** Another copy, by what a page of this device would have on disk of its queue; it knows nothing else. */
  another(): AccountReplica {
    const copy = this.#wasm.AccountReplica.resume(this.#session.user, this.#replica.save())
    if (!copy) throw new Error('what was saved cannot be read')
    return copy
  }

  /** The page dies, and another one begins with what is on disk. */
  reload(): void {
    const room = this.#replica.saveRoom()
    const next = this.another()
    if (room && !next.warmUp(room, this.now())) throw new Error('the kept room cannot be read')
    this.#replica.free()
    this.#replica = next
  }

  /** The account with what is pending; null before anything is known of it. */
  view(): AccountView | null {
    return JSON.parse(this.replica.account() ?? 'null') as AccountView | null
  }

  /** Asks once. */
  async ask(): Promise<void> {
    const body = this.replica.request(false, this.now())
    const way = { url: this.#url, session: this.#session, send: this.#send, clock: this.now }
    await exchange(this.replica, body, way)
  }

  /** Asks once it is time to. */
  async turn(): Promise<void> {
    while (this.now() < this.replica.askAt(false, this.now())) {
      await new Promise((next) => setTimeout(next, 5))
    }
    await this.ask()
  }

  /** Asks when it is time to, until it is so. */
  async until(what: string, so: (view: AccountView) => boolean, within_ms = 60_000): Promise<void> {
    await until(what, within_ms, async () => {
      const view = this.view()
      if (view && so(view)) return true
      await this.turn()
      return false
    })
  }

  /** Does some things at once, offline as it were, and waits until all are answered. */
  async does(volumes: number[]): Promise<void> {
    for (const volume of volumes) {
      const taken = this.replica.prefer('volume', volume, this.now())
      if (taken < 1) throw new Error(`not taken: ${taken}`)
    }
    await this.until('answers', () => this.replica.pending() === 0)
  }

  /** Hands in a run in which somebody stands still, as if it had been played: it is not paid, since it takes no time. */
  run(): void {
    const { seed, inputs } = this.#still(this.view()?.seeds[0]?.seed ?? '')
    this.#handIn(seed, inputs)
  }

  /**
   * Plays so many runs, in each of which somebody stands still, and waits until the server has replayed them. They take their
   * time, side by side: of the seeds in hand those are taken whose runs are over first.
   */
  async plays(runs: number): Promise<void> {
    for (let left = runs; left > 0; ) {
      await this.until('seeds in hand', ({ seeds, waiting }) => seeds.length === 6 && waiting.length === 0)
      const given_ms = performance.now()
      const played = (this.view()?.seeds ?? []).map(({ seed }) => this.#still(seed))
      for (const { seed, inputs, lasts_ms } of played.sort((a, b) => a.lasts_ms - b.lasts_ms).slice(0, left)) {
        await new Promise((over) => setTimeout(over, given_ms + lasts_ms - performance.now()))
        this.#handIn(seed, inputs)
        left -= 1
      }
    }
    await this.until('all of them replayed', ({ waiting, runs: { played } }) => waiting.length === 0 && played >= runs)
  }

  /** What happens to somebody who stands still. */
  #still(seed: string) {
    const run = new this.#wasm.Run(seed, 'nobody')
    run.finish()
    const [inputs, lasts_ms] = [run.inputs(), run.tick() * TICK_MS]
    run.free()
    return { seed, inputs, lasts_ms }
  }

  #handIn(seed: string, inputs: Uint8Array): void {
    const taken = this.replica.run(seed, inputs, this.now())
    if (taken < 1) throw new Error(`not taken: ${taken}`)
  }
}
