/**
 * A long history of an account, cheaply: the handler that ships, in this process, over a store in memory whose clock runs
 * ahead, and each append as it is asked of a store. So every frame is one that the product made, in its order, and another
 * store can be given the same. Decides how time passes; must not know where the history goes.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { instantiate } from '../../../js-host/dist/wasm/server/baton_server'
import { Driver } from '../../../js-host/src/driver'
import { type Head, nothing } from '../../../js-host/src/effect'
import { Faces } from '../../../js-host/src/load/face'
import { performer } from '../../../js-host/src/store'
import { MemoryStore } from '../../../js-host/src/stores/memory'
import type { Device } from '../device'
import { decode, PRESENCE, type Reply, reply } from '../wire'

const WASM = join(import.meta.dirname, '../../../js-host/dist/wasm/server/baton_server_bg.wasm')
const module = new WebAssembly.Module(readFileSync(WASM))
/** The first byte of an encoded append. */
const APPEND = 1

/** The account's preferences: each is set to something, again and again, and the last value counts. */
export const setting = (seq: number) => Uint8Array.of(4, seq % 4, seq % 100)

/** An account that one device writes, whose log nobody has yet. */
export class Grown {
  readonly #device: Device
  readonly #driver: Driver
  #appends: Uint8Array[] = []
  head: Head = nothing()

  /** `rooms`: the settings of the host that the history is for. `left`: at most so many frames will be made. */
  constructor(device: Device, rooms: { frame_ms: number }, left: number) {
    this.#device = device
    // A frame is due whenever somebody asks; and none is of the future, for whoever goes on by another clock.
    let now_ms = Date.now() - 2 * left * rooms.frame_ms
    const store = performer(new MemoryStore(() => now_ms))
    this.#driver = new Driver({
      faces: new Faces(() => instantiate(module), JSON.stringify(rooms)),
      store: {
        perform: (room, effect) => {
          if (effect[0] === APPEND) this.#appends.push(effect.slice())
          now_ms += rooms.frame_ms
          return store.perform(room, effect)
        },
      },
      store_timeout_ms: 5_000,
    })
  }

  /** Has so many frames in the end: nearly each is an action. Yields the appends since, encoded, as they come. */
  async *to(frames: number, atOnce: number): AsyncGenerator<Uint8Array[]> {
    const device = this.#device
    while (device.number === null) device.number = (await this.#ask(0)).device?.number ?? null
    while (this.head.v < frames) {
      await this.#ask(1)
      if (this.#appends.length < atOnce && this.head.v < frames) continue
      yield this.#appends
      this.#appends = []
    }
  }

  async #ask(actions: 0 | 1): Promise<Reply> {
    const device = this.#device
    const answered = device.seq
    device.seq += actions
    const acted = actions ? [{ seq: device.seq, version: 1, body: setting(device.seq) }] : []
    const hail = device.hail({ presence: PRESENCE.here, answered, kept_from: answered + 1, actions: acted })
    const { user, name } = device.session
    const request = device.request(hail, { cursor: this.head })
    const outcome = await this.#driver.ask('account', user, { who: { user, name }, call: { tag: 'play', request } })
    if (outcome.status !== 200) throw new Error(`${outcome.status} ${new TextDecoder().decode(outcome.body)}`)
    const told = decode(reply, outcome.body)
    if (actions && told.device?.mark !== device.seq)
      throw new Error(`${told.device?.mark} of ${device.seq} are in the log`)
    this.head = told.head
    return told
  }
}
