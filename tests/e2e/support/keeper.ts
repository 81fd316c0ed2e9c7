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
  readonly replica: AccountReplica
  readonly #wasm: Instance = clientWasm()
  readonly #url: string
  readonly #session: Session
  readonly #send: Send

  constructor(url: string, session: Session, send: Send = fetch) {
    this.#url = `${url}/api/rooms/account/me`
    this.#session = session
    this.#send = send
    this.replica = new this.#wasm.AccountReplica(session.user, this.#wasm.newDevice())
  }

  /** The account with what is pending; null before anything is known of it. */
  view(): AccountView | null {
    return JSON.parse(this.replica.account() ?? 'null') as AccountView | null
  }

  /** Asks once. */
  async ask(): Promise<void> {
    const body = this.replica.request(false, performance.now())
    await exchange(this.replica, body, { url: this.#url, session: this.#session, send: this.#send })
  }

  /** Asks when it is time to, until it is so. */
  async until(what: string, so: (view: AccountView) => boolean, within_ms = 60_000): Promise<void> {
    await until(what, within_ms, async () => {
      const view = this.view()
      if (view && so(view)) return true
      while (performance.now() < this.replica.askAt(false, performance.now())) {
        await new Promise((next) => setTimeout(next, 5))
      }
      await this.ask()
      return false
    })
  }

  /** Does some things at once, offline as it were, and waits until all are answered. */
  async does(volumes: number[]): Promise<void> {
    for (const volume of volumes) {
      const taken = this.replica.prefer('volume', volume, performance.now())
      if (taken < 1) throw new Error(`not taken: ${taken}`)
    }
    await this.until('answers', () => this.replica.pending() === 0)
  }

  /**
   * Plays so many runs, in each of which somebody stands still, and waits until the server has replayed them. They take their
   * time, side by side: of the seeds in hand those are taken whose runs are over first.
   */
  async plays(runs: number): Promise<void> {
    for (let left = runs; left > 0; ) {
      await this.until('seeds in hand', ({ seeds, waiting }) => seeds.length === 6 && waiting.length === 0)
      const given_ms = performance.now()
      const played = (this.view()?.seeds ?? []).map(({ seed }) => {
        const run = new this.#wasm.Run(seed, 'nobody')
        run.finish()
        const [inputs, lasts_ms] = [run.inputs(), run.tick() * TICK_MS]
        run.free()
        return { seed, inputs, lasts_ms }
      })
      for (const { seed, inputs, lasts_ms } of played.sort((a, b) => a.lasts_ms - b.lasts_ms).slice(0, left)) {
        await new Promise((over) => setTimeout(over, given_ms + lasts_ms - performance.now()))
        const taken = this.replica.run(seed, inputs, performance.now())
        if (taken < 1) throw new Error(`not taken: ${taken}`)
        left -= 1
      }
    }
    await this.until('all of them replayed', ({ waiting, runs: { played } }) => waiting.length === 0 && played >= runs)
  }
}
