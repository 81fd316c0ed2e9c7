/**
 * Whom somebody without a figure watches. Decides who is next; must not know how the field is drawn.
 */

import { FLAG, KIND, SPRITE } from '../game'
import type { Look } from '../look'

/** The eyes of a spectator: on a survivor if there is one. */
export class Watching {
  readonly #stride: number
  #watched: number | null = null
  #others: readonly number[] = []

  constructor(stride: number) {
    this.#stride = stride
  }

  /** The player that is watched; null: the whole field. */
  get watched(): number | null {
    return this.#watched
  }

  /** Looks again at who is there. */
  look({ rows }: Look): void {
    const survivors: number[] = []
    const turned: number[] = []
    for (let row = 0; row < rows.length; row += this.#stride) {
      if (rows[row + SPRITE.kind] !== KIND.player) continue
      const hasTurned = ((rows[row + SPRITE.flags] ?? 0) & FLAG.turned) !== 0
      const list = hasTurned ? turned : survivors
      list.push(rows[row + SPRITE.id] ?? 0)
    }
    this.#others = [...survivors, ...turned]
    if (this.#watched === null || !this.#others.includes(this.#watched)) this.#watched = this.#others[0] ?? null
  }

  /** The next one, or the one before. */
  turn(by: 1 | -1): void {
    const count = this.#others.length
    const at = this.#others.indexOf(this.#watched ?? -1)
    this.#watched = this.#others[(at + by + count) % count] ?? null
  }
}
