/**
 * What a replica shows at a moment, copied out of the wasm's memory when it has changed. Decides when to copy; must not
 * know who holds the game.
 */

import type { Replica, View } from './game'

/** What is asked of whatever holds a game: a room's replica, or a run. */
export type Drawn = Pick<Replica, 'predict' | 'tick' | 'fraction' | 'hud' | 'sprites' | 'ahead' | 'map' | 'mapOf'>

/** A room at a moment, to be drawn. */
export interface Look {
  readonly tick: number
  /** How far the moment is into the next tick, 0 to 1. */
  readonly fraction: number
  /** Another number whenever the prediction was corrected, so that a jump is told from motion. */
  readonly correction: number
  /** Rows of sprites at the tick. */
  readonly rows: Int32Array
  /** The same one tick later, if nothing changes until then. */
  readonly ahead: Int32Array
  readonly view: View | null
  /** A byte per tile, row by row. */
  readonly terrain: Uint8Array
  /** Another number whenever the terrain is another. */
  readonly terrainOf: number
}

/** The looks of one room. */
export class Looker {
  #look: Look | null = null
  #terrain: Pick<Look, 'terrain' | 'terrainOf'> | null = null
  #correction = 0

  /** The last one. */
  get last(): Look | null {
    return this.#look
  }

  /** The prediction was corrected. */
  corrected(): void {
    this.#correction += 1
  }

  /** The room now; the last look as long as there is nothing newer, null if nothing is known of it. */
  at(replica: Drawn, now_ms: number): Look | null {
    replica.predict(now_ms)
    const tick = replica.tick()
    const fraction = replica.fraction(now_ms)
    const old = this.#look
    if (old && old.tick === tick && old.correction === this.#correction) {
      this.#look = { ...old, fraction }
      return this.#look
    }
    const hud = replica.hud()
    if (hud === undefined) return old
    // Copied: both are views of the wasm's memory, and only until the next call.
    const rows = replica.sprites().slice()
    const ahead = replica.ahead().slice()
    const view = JSON.parse(hud) as View
    this.#look = { tick, fraction, correction: this.#correction, rows, ahead, view, ...this.#ground(replica) }
    return this.#look
  }

  /** The terrain, which is asked for only when it is another. */
  #ground(replica: Drawn): Pick<Look, 'terrain' | 'terrainOf'> {
    const terrainOf = replica.mapOf()
    const known = this.#terrain
    if (known?.terrainOf === terrainOf) return known
    this.#terrain = { terrain: replica.map(), terrainOf }
    return this.#terrain
  }
}
