/**
 * From wishes to actions: steers whenever our figure does not do what is wished for, so that a key
 * held down counts from the moment on when walking is possible; strikes as often as the rules let it.
 * Decides how often; must not know where a wish comes from.
 */

import { FLAG, KIND, type Mine, type RejectCode, SPRITE } from './game'
import type { Input } from './input'
import type { Look } from './look'
import type { Room } from './room'

/** Between two actions of one sort, at least, in milliseconds: a tick. */
const TICK_MS = 100
/** Actions per second for long, and how many may come at once. */
const [PER_SECOND, AT_ONCE] = [5, 5]
/** A wish that was sent is not sent again sooner, in milliseconds: a wall may be in the way. */
const AGAIN_MS = 1_000

type Act = 'strike' | 'heal' | 'lure'
/** What is acted on. */
export type Acts = Pick<Room, 'steer' | Act>
/** What is wished for. */
export type Wishes = Pick<Input, 'wish' | 'wants' | 'done'>

/** Acts for our figure. */
export class Pilot {
  readonly #wishes: Wishes
  readonly #stride: number
  readonly #onRefused: (act: Act, code: RejectCode) => void
  #left = AT_ONCE
  #filled_ms = 0
  /** What was asked for last, and when; without a wish if it was refused. */
  #steered: { wish?: number | null; at_ms: number } | null = null
  #struck_ms = Number.NEGATIVE_INFINITY

  /** `onRefused` hears of a heal or a lure that was not possible; a strike or a step is tried again. */
  constructor(wishes: Wishes, stride: number, onRefused: (act: Act, code: RejectCode) => void) {
    this.#wishes = wishes
    this.#stride = stride
    this.#onRefused = onRefused
  }

  /** Acts if there is reason to. */
  act(room: Acts, look: Look, now_ms: number): void {
    const mine = look.view?.mine
    this.#left = Math.min(AT_ONCE, this.#left + ((now_ms - this.#filled_ms) * PER_SECOND) / 1_000)
    this.#filled_ms = now_ms
    if (!mine || look.view?.hud.phase !== 'playing' || mine.down_ms > 0) {
      this.#steered = null
      return
    }
    this.#use(room, now_ms)
    this.#strike(room, mine, now_ms)
    this.#steer(room, look, now_ms)
  }

  #use(room: Acts, now_ms: number): void {
    for (const act of ['heal', 'lure'] as const) {
      if (!this.#wishes.wants(act, now_ms) || !this.#may(1)) continue
      this.#wishes.done(act)
      void room[act]().then((verdict) => verdict.accepted || this.#onRefused(act, verdict.code))
    }
  }

  #strike(room: Acts, { cooldown_ms }: Mine, now_ms: number): void {
    if (cooldown_ms > 0 || now_ms - this.#struck_ms < TICK_MS) return
    if (!this.#wishes.wants('strike', now_ms) || !this.#may(1)) return
    this.#struck_ms = now_ms
    this.#wishes.done('strike')
    void room.strike()
  }

  #steer(room: Acts, look: Look, now_ms: number): void {
    const { wish } = this.#wishes
    const steered = this.#steered
    const does = this.#does(look)
    if (does === undefined || does === wish) return
    if (steered && now_ms - steered.at_ms < (steered.wish === wish ? AGAIN_MS : TICK_MS)) return
    // To stand, to strike and to heal must always be possible: turning leaves something over.
    if (!this.#may(wish === null ? 1 : 2)) return
    const now = { wish, at_ms: now_ms }
    this.#steered = now
    void room.steer(wish).then(({ accepted }) => {
      if (!accepted && this.#steered === now) this.#steered = { at_ms: now_ms }
    })
  }

  /** Takes one of the actions that are left, if there are at least so many. */
  #may(least: number): boolean {
    if (this.#left < least) return false
    this.#left -= 1
    return true
  }

  /** The angle at which our figure walks; null if it stands; undefined if it is not there. */
  #does({ rows, view }: Look): number | null | undefined {
    for (let row = 0; row < rows.length; row += this.#stride) {
      if (rows[row + SPRITE.kind] !== KIND.player || rows[row + SPRITE.id] !== view?.me) continue
      const walks = ((rows[row + SPRITE.flags] ?? 0) & FLAG.walks) !== 0
      return walks ? (rows[row + SPRITE.facing] ?? null) : null
    }
    return undefined
  }
}
