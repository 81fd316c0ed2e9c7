/**
 * From a wish to actions: steers whenever our figure does not do what is wished for, so that a key
 * held down counts from the moment on when walking is possible. Decides how often.
 */

import { FLAG, KIND, SPRITE } from './game'
import type { Input } from './input'
import type { Look, Room } from './room'

/** Between two actions, at least, in milliseconds: a tick. */
const PAUSE_MS = 100

/** Steers our figure. */
export class Pilot {
  readonly #input: Input
  readonly #stride: number
  #acted_ms = Number.NEGATIVE_INFINITY

  constructor(input: Input, stride: number) {
    this.#input = input
    this.#stride = stride
  }

  /** Acts if there is reason to. */
  steer(room: Room, look: Look, now_ms: number): void {
    const { rows, view } = look
    if (view?.hud.phase !== 'playing' || now_ms - this.#acted_ms < PAUSE_MS) return
    for (let row = 0; row < rows.length; row += this.#stride) {
      const mine = rows[row + SPRITE.kind] === KIND.player && rows[row + SPRITE.id] === view.me
      if (!mine || rows[row + SPRITE.health] === 0) continue
      const walks = ((rows[row + SPRITE.flags] ?? 0) & FLAG.walks) !== 0
      const does = walks ? (rows[row + SPRITE.facing] ?? null) : null
      const { wish } = this.#input
      if (does === wish) return
      this.#acted_ms = now_ms
      // A refusal needs no word: the figure does not walk, and it is tried again.
      void room.steer(wish)
      return
    }
  }
}
