/**
 * A player without a page: the client's wasm in Node, with requests only. Decides when to ask, as the
 * wasm says; must not know what is tested.
 */

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Instance, instantiate, type Replica } from '../../../js-host/dist/wasm/client/baton_client'
import type { Note, View } from '../../../js-host/src/client/game'
import { guest, type Session } from '../device'
import { until } from './browser'
import { exchange, type Send } from './exchange'

const WASM = resolve(import.meta.dirname, '../../../js-host/dist/wasm/client/baton_client_bg.wasm')

/** The rules' code for what is done while nobody plays. */
const NOT_PLAYING = 1

/** A match that begins soon and that nobody loses, on open ground. */
export const QUIET = {
  countdown_ms: 1_500,
  play_ms: 600_000,
  city: false,
  zombies_at_start: 0,
  spawns_per_minute: 0,
  spawns_per_minute_and_player: 0,
}

/** Walkers from the beginning to the end, whom nobody outlasts; then the next match. */
export const HORDE = { countdown_ms: 1_500, over_ms: 1_500, zombies_at_start: 40, spawns_per_minute: 120 }

/** The client's wasm in Node. */
export function clientWasm(): Instance {
  return instantiate(new WebAssembly.Module(readFileSync(WASM)))
}

/** One device of one user in one room. */
export class Bot {
  /** Where the host is; it may move. */
  url: string
  /** How a request is sent: whoever records or disturbs it takes its place. */
  send: Send
  readonly session: Session
  readonly replica: Replica
  /** Answers by sequence: 0 or the rules' code. */
  readonly answers = new Map<number, number | null>()
  readonly notes: Note[] = []
  readonly #room: string

  private constructor(url: string, room: string, session: Session, send: Bot['send']) {
    this.url = url
    this.send = send
    this.#room = room
    this.session = session
    const wasm = clientWasm()
    this.replica = new wasm.Replica(session.user, wasm.newDevice())
  }

  /** A new guest, who has not asked yet. */
  static async of(url: string, room: string, send: Bot['send'] = fetch): Promise<Bot> {
    return new Bot(url, room, await guest(url, send), send)
  }

  /** A new guest who is part of the room. */
  static async join(url: string, room: string, send?: Bot['send']): Promise<Bot> {
    const bot = await Bot.of(url, room, send)
    await bot.until('a bot that has joined', () => bot.status() === 'live')
    return bot
  }

  /** Asks once. */
  async ask(): Promise<void> {
    await this.#send(this.replica.request(false, performance.now()))
  }

  /** Closes the session. */
  async leave(): Promise<void> {
    await this.#send(this.replica.leave(performance.now()))
  }

  async #send(body: Uint8Array): Promise<void> {
    const { url, session, send } = this
    await exchange(this.replica, body, { url: `${url}/api/rooms/contagion/${this.#room}`, session, send })
    for (const note of JSON.parse(this.replica.notes()) as Note[]) {
      this.notes.push(note)
      if (note.note === 'answer') this.answers.set(note.seq, note.code)
    }
  }

  /** Asks when it is time to, until it is so. */
  async until(what: string, so: () => boolean, within_ms = 30_000): Promise<void> {
    await until(what, within_ms, async () => {
      if (so()) return true
      if (performance.now() < this.replica.askAt(false, performance.now())) return false
      await this.ask()
      return so()
    })
  }

  /**
   * Waits until it plays by the log. What is predicted may be ahead of that, by as much as hosts' clocks disagree where the
   * store has none: who acts on it is told that nobody plays yet.
   */
  async plays(within_ms?: number): Promise<void> {
    do await this.until('play', () => this.view().hud.phase === 'playing', within_ms)
    while ((await this.steer(undefined, within_ms)) === NOT_PLAYING)
  }

  /** Steers, and waits for the answer: 0, or the rules' code. */
  async steer(angle: number | undefined, within_ms?: number): Promise<number | null> {
    const seq = this.replica.steer(angle, performance.now())
    if (seq < 0) throw new Error(`not taken: ${seq}`)
    return this.#answered(seq, within_ms)
  }

  /** Steers, whatever the answer; who cannot now, as between two matches, asks when it is time to. */
  async tryToSteer(angle: number, within_ms: number): Promise<void> {
    const seq = this.replica.steer(angle, performance.now())
    if (seq >= 0) {
      await this.#answered(seq, within_ms)
      return
    }
    const due = async () => performance.now() >= this.replica.askAt(false, performance.now())
    await until('its turn to ask', within_ms, due)
    await this.ask()
  }

  async #answered(seq: number, within_ms?: number): Promise<number | null> {
    await this.until(`an answer to ${seq}`, () => this.answers.has(seq), within_ms)
    return this.answers.get(seq) ?? null
  }

  /** How many of its actions were taken: who began a moment too soon was told so, and began again. */
  taken(): number {
    return [...this.answers.values()].filter((code) => code === 0).length
  }

  status(): string {
    return this.replica.status(performance.now())
  }

  /** The room as predicted. */
  view(): View {
    this.replica.predict(performance.now())
    return JSON.parse(this.replica.hud() ?? 'null') as View
  }

  /** The tick at which the phase ends. */
  ends(): number {
    const { hud } = this.view()
    return this.replica.tick() + hud.ms_left / 100
  }

  history(): Map<number, string> {
    return new Map(JSON.parse(this.replica.trail()) as [number, string][])
  }
}
