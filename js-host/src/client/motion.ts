/**
 * Where things are on the screen between two ticks. Decides how a correction of the prediction is
 * hidden: what is drawn glides to where it should be. Must not know how it is drawn.
 */

import { KIND, type Measures, SPRITE } from './game'
import type { Look } from './room'

/** Something on the field, as of now. */
export interface Thing {
  readonly kind: number
  readonly id: number
  /** In units. */
  x: number
  y: number
  facing: number
  health: number
  flags: number
  /** When it was first seen, in milliseconds of the page's clock. */
  readonly since_ms: number
}

interface Moving extends Thing {
  /** How far it is drawn from where it is; shrinks to nothing. */
  offX: number
  offY: number
}

/** How long a correction takes to be hidden, in milliseconds. */
const GLIDE_MS = 150
/** What moved farther than this, in tiles, did not walk: it is elsewhere at once. */
const WALKED_TILES = 3

/** The things on the field in motion. */
export class Motion {
  readonly #stride: number
  readonly #walked: number
  readonly #things = new Map<number, Moving>()
  #look: Look | null = null
  #at_ms = 0

  constructor({ stride, tile }: Measures) {
    this.#stride = stride
    this.#walked = WALKED_TILES * tile
  }

  /** Everything as of now, in the order in which it is drawn. */
  move(look: Look, now_ms: number): Iterable<Thing> {
    const before = this.#look
    const corrected = before !== null && before.correction !== look.correction
    const left = Math.max(0, 1 - (now_ms - this.#at_ms) / GLIDE_MS)
    this.#at_ms = now_ms
    const seen = new Set<number>()
    const old = corrected ? this.#placesOf(before, look) : null
    for (const [key, row, x, y] of this.#rows(look, look.fraction)) {
      seen.add(key)
      const thing = this.#things.get(key) ?? this.#appear(key, row, look, now_ms)
      const was = old?.get(key)
      thing.offX = this.#glide(thing.offX + (was ? was[0] - x : 0)) * left
      thing.offY = this.#glide(thing.offY + (was ? was[1] - y : 0)) * left
      thing.x = x + thing.offX
      thing.y = y + thing.offY
      thing.facing = look.rows[row + SPRITE.facing] ?? 0
      thing.health = look.rows[row + SPRITE.health] ?? 0
      thing.flags = look.rows[row + SPRITE.flags] ?? 0
    }
    for (const key of this.#things.keys()) if (!seen.has(key)) this.#things.delete(key)
    this.#look = look
    return this.#things.values()
  }

  #glide(off: number): number {
    return Math.abs(off) > this.#walked ? 0 : off
  }

  #appear(key: number, row: number, { rows }: Look, now_ms: number): Moving {
    const [kind = 0, id = 0] = rows.subarray(row, row + 2)
    const thing = { kind, id, x: 0, y: 0, facing: 0, health: 0, flags: 0, since_ms: now_ms, offX: 0, offY: 0 }
    this.#things.set(key, thing)
    return thing
  }

  /** Where everything would be now by the prediction before the correction. */
  #placesOf(before: Look, now: Look): Map<number, [number, number]> {
    const ticks = now.tick - before.tick + now.fraction
    const places = new Map<number, [number, number]>()
    for (const [key, , x, y] of this.#rows(before, Math.min(2, Math.max(0, ticks)))) places.set(key, [x, y])
    return places
  }

  /** Key, offset of the row, and place `part` of a tick later. */
  *#rows({ rows, ahead }: Look, part: number): Iterable<[number, number, number, number]> {
    const later = new Map<number, number>()
    for (let row = 0; row < ahead.length; row += this.#stride) later.set(keyOf(ahead, row), row)
    for (let row = 0; row < rows.length; row += this.#stride) {
      const key = keyOf(rows, row)
      const x = rows[row + SPRITE.x] ?? 0
      const y = rows[row + SPRITE.y] ?? 0
      const next = later.get(key)
      const dx = next === undefined ? 0 : (ahead[next + SPRITE.x] ?? x) - x
      const dy = next === undefined ? 0 : (ahead[next + SPRITE.y] ?? y) - y
      yield [key, row, x + this.#glide(dx) * part, y + this.#glide(dy) * part]
    }
  }
}

/** One number for a thing, as long as a match lasts. */
function keyOf(rows: Int32Array, row: number): number {
  const id = rows[row + SPRITE.id] ?? 0
  return rows[row + SPRITE.kind] === KIND.player ? -1 - id : id
}
