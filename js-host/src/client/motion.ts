/**
 * Where things are on the screen between two ticks. Decides how a correction of the prediction is
 * shown: what is near glides to where it should be, what is far fades out here and in there. Must
 * not know how it is drawn, nor any clock but the one it is given.
 */

import { KIND, type Measures, SPRITE } from './game'
import type { Look } from './look'

/** Something on the field, as of now. */
export interface Thing {
  readonly kind: number
  readonly id: number
  /** In units. */
  readonly x: number
  readonly y: number
  /** In angle steps; between two while it turns. */
  readonly facing: number
  readonly health: number
  readonly flags: number
  readonly extra: number
  /** The length of the shot that was just fired, in units; 0 if none was. */
  readonly shot: number
  /** When it was first seen here, in milliseconds of the page's clock. */
  readonly since_ms: number
  /** How much of it is seen, 0 to 1: less while it fades in or out. */
  readonly opacity: number
  /** How far it was seen to move, in tiles: its legs keep step with this. */
  readonly walked: number
  /** How fast it is seen to move, as a part of walking speed, 0 to 1. */
  readonly pace: number
  /** What it is now; the other two are only an image that fades out where it was. */
  readonly state: 'here' | 'cut' | 'felled'
}

/** How long a small correction takes to be shown, in milliseconds; our own is shorter, to feel immediate. */
const GLIDE_MS = 150
const OWN_GLIDE_MS = 90
/** What each tile adds to that, and the most it may come to. */
const GLIDE_MS_PER_TILE = 120
const MOST_GLIDE_MS = 600
/**
 * Farther than this, in tiles, it is elsewhere, and fades over: five seconds of silence at walking
 * speed, there and back, may be seen as a way.
 */
const CUT_TILES = 38
/** What moves farther than this within a tick, in tiles, did not walk. */
const STEP_TILES = 1
/** A correction smaller than this, in tiles, is none. */
const LEAST_TILES = 1 / 64
/** How long something takes to fade in or out, in milliseconds. */
export const FADE_MS = 350
/** In which time a turn is two thirds done, in milliseconds. */
const TURN_MS = 70
const OWN_TURN_MS = 35
/** The walking speed of a survivor, in tiles per second. */
const WALK = 3.75
const PACE_MS = 80
/** How many ticks a figure is expected to go on as it did. */
const MOST_TICKS = 2

class Moving implements Thing {
  x = 0
  y = 0
  facing = 0
  health = 0
  flags = 0
  extra = 0
  shot = 0
  opacity = 0
  walked = 0
  pace = 0
  state: Thing['state'] = 'here'
  /** Where it is at the tick, and how far it goes until the next. */
  tickX = 0
  tickY = 0
  stepX = 0
  stepY = 0
  /** Which way it faces by the rules. */
  heading = 0
  /** Where it is by the rules. */
  trueX = 0
  trueY = 0
  /** The glide: from this far off, at this speed per millisecond, to nothing. */
  offX = 0
  offY = 0
  speedX = 0
  speedY = 0
  glideAt_ms = 0
  glide_ms = 0
  /** When it began to fade out. */
  gone_ms = 0
  /** Which reading of rows it was last in. */
  reading = 0
  readonly kind: number
  readonly id: number
  since_ms: number

  constructor(kind: number, id: number, since_ms: number) {
    this.kind = kind
    this.id = id
    this.since_ms = since_ms
  }

  /** How far from its true place it is drawn, and how fast that shrinks: a curve without a kink. */
  glideNow(now_ms: number): { x: number; y: number; speedX: number; speedY: number } {
    const t = this.glide_ms > 0 ? (now_ms - this.glideAt_ms) / this.glide_ms : 1
    if (t >= 1) return { x: 0, y: 0, speedX: 0, speedY: 0 }
    // Hermite's: from a place and a speed to rest.
    const place = (1 + 2 * t) * (1 - t) ** 2
    const swing = t * (1 - t) ** 2 * this.glide_ms
    const placeSlope = (6 * t * t - 6 * t) / this.glide_ms
    const swingSlope = 1 - 4 * t + 3 * t * t
    return {
      x: place * this.offX + swing * this.speedX,
      y: place * this.offY + swing * this.speedY,
      speedX: placeSlope * this.offX + swingSlope * this.speedX,
      speedY: placeSlope * this.offY + swingSlope * this.speedY,
    }
  }
}

/** The things on the field in motion. */
export class Motion {
  readonly #measures: Measures
  readonly #things = new Map<number, Moving>()
  /** What is here, in the order of the rows. */
  readonly #here: Moving[] = []
  /** Images of what is not here any more. */
  readonly #leaving: Moving[] = []
  readonly #later = new Map<number, number>()
  #look: Look | null = null
  #at_ms = 0
  #reading = 0

  constructor(measures: Measures) {
    this.#measures = measures
  }

  /** Everything as of now: first what is leaving, then the rest in the order in which it is drawn. */
  move(look: Look, now_ms: number): Iterable<Thing> {
    const before = this.#look
    const past_ms = Math.max(0, now_ms - this.#at_ms)
    if (before?.rows !== look.rows || before.ahead !== look.ahead) this.#read(before, look, now_ms)
    for (const thing of this.#here) this.#place(thing, look, past_ms, now_ms)
    for (let at = this.#leaving.length - 1; at >= 0; at -= 1) {
      const image = this.#leaving[at]
      if (!image) continue
      image.opacity = Math.min(image.opacity, 1 - (now_ms - image.gone_ms) / FADE_MS)
      if (image.opacity <= 0) this.#leaving.splice(at, 1)
    }
    this.#look = look
    this.#at_ms = now_ms
    return this.#leaving.length === 0 ? this.#here : [...this.#leaving, ...this.#here]
  }

  /** New rows: who is here, and who is not where it was expected. */
  #read(before: Look | null, look: Look, now_ms: number): void {
    const { stride } = this.#measures
    const { rows, ahead } = look
    const sameMatch = before?.view?.hud.match_id === look.view?.hud.match_id
    const plays = before?.view?.hud.phase === look.view?.hud.phase && look.view?.hud.phase === 'playing'
    const corrected = before !== null && before.correction !== look.correction
    const ticks = before ? look.tick - before.tick + look.fraction - before.fraction : 0
    this.#reading += 1
    this.#later.clear()
    for (let row = 0; row < ahead.length; row += stride) this.#later.set(keyOf(ahead, row), row)
    this.#here.length = 0
    for (let row = 0; row < rows.length; row += stride) {
      const key = keyOf(rows, row)
      const known = this.#things.get(key)
      const thing = known ?? new Moving(rows[row + SPRITE.kind] ?? 0, rows[row + SPRITE.id] ?? 0, now_ms)
      const { trueX, trueY, stepX, stepY } = thing
      this.#take(thing, look, row, this.#later.get(key))
      this.#here.push(thing)
      if (known) {
        const go = Math.min(MOST_TICKS, Math.max(0, ticks))
        const offX = trueX + stepX * go - thing.trueX
        const offY = trueY + stepY * go - thing.trueY
        const tiles = Math.hypot(offX, offY) / this.#measures.tile
        const far = corrected ? CUT_TILES : STEP_TILES * Math.max(MOST_TICKS, ticks)
        if (!sameMatch || tiles > far) this.#cut(thing, now_ms)
        // Time that passed is no correction.
        else if (corrected && tiles >= LEAST_TILES) this.#glide(thing, offX, offY, look, now_ms)
      } else {
        this.#things.set(key, thing)
        thing.facing = thing.heading
      }
    }
    for (const [key, thing] of this.#things) {
      if (thing.reading === this.#reading) continue
      this.#things.delete(key)
      this.#leave(thing, thing.kind === KIND.zombie && sameMatch && plays ? 'felled' : 'cut', now_ms)
    }
  }

  #take(thing: Moving, look: Look, row: number, next: number | undefined): void {
    const { rows, ahead } = look
    thing.reading = this.#reading
    thing.heading = rows[row + SPRITE.facing] ?? 0
    thing.health = rows[row + SPRITE.health] ?? 0
    thing.flags = rows[row + SPRITE.flags] ?? 0
    thing.extra = rows[row + SPRITE.extra] ?? 0
    thing.shot = rows[row + SPRITE.shot] ?? 0
    thing.tickX = rows[row + SPRITE.x] ?? 0
    thing.tickY = rows[row + SPRITE.y] ?? 0
    thing.stepX = next === undefined ? 0 : (ahead[next + SPRITE.x] ?? 0) - thing.tickX
    thing.stepY = next === undefined ? 0 : (ahead[next + SPRITE.y] ?? 0) - thing.tickY
    if (Math.hypot(thing.stepX, thing.stepY) > STEP_TILES * this.#measures.tile) thing.stepX = thing.stepY = 0
    thing.trueX = thing.tickX + thing.stepX * look.fraction
    thing.trueY = thing.tickY + thing.stepY * look.fraction
  }

  /** It was expected that far off its place: shows how it gets there. */
  #glide(thing: Moving, offX: number, offY: number, look: Look, now_ms: number): void {
    const { tile } = this.#measures
    const own = thing.kind === KIND.player && thing.id === look.view?.me
    const { x, y, speedX, speedY } = thing.glideNow(now_ms)
    thing.offX = x + offX
    thing.offY = y + offY
    const units = Math.hypot(thing.offX, thing.offY)
    thing.glideAt_ms = now_ms
    thing.glide_ms = Math.min(MOST_GLIDE_MS, (own ? OWN_GLIDE_MS : GLIDE_MS) + (GLIDE_MS_PER_TILE * units) / tile)
    // A curve that begins faster than this would swing out beyond both of its ends.
    const most = (3 * units) / thing.glide_ms
    const speed = Math.hypot(speedX, speedY)
    const slowed = speed > most ? most / speed : 1
    thing.speedX = speedX * slowed
    thing.speedY = speedY * slowed
  }

  /** It is elsewhere: an image stays where it was drawn, and it fades in where it is. */
  #cut(thing: Moving, now_ms: number): void {
    // Its place is not moved before the frame is.
    this.#leave(Object.assign(new Moving(thing.kind, thing.id, thing.since_ms), thing), 'cut', now_ms)
    thing.since_ms = now_ms
    thing.glide_ms = 0
  }

  #leave(thing: Moving, state: 'cut' | 'felled', now_ms: number): void {
    thing.state = state
    thing.gone_ms = now_ms
    thing.pace = 0
    this.#leaving.push(thing)
  }

  #place(thing: Moving, look: Look, past_ms: number, now_ms: number): void {
    const { tile, angles } = this.#measures
    const { x: fromX, y: fromY } = thing
    thing.trueX = thing.tickX + thing.stepX * look.fraction
    thing.trueY = thing.tickY + thing.stepY * look.fraction
    const glides = now_ms < thing.glideAt_ms + thing.glide_ms
    const off = glides ? thing.glideNow(now_ms) : null
    thing.x = thing.trueX + (off?.x ?? 0)
    thing.y = thing.trueY + (off?.y ?? 0)
    const own = thing.kind === KIND.player && thing.id === look.view?.me
    const part = 1 - Math.exp(-past_ms / (own ? OWN_TURN_MS : TURN_MS))
    thing.facing = turned(thing.facing, thing.heading, part, angles)
    thing.opacity = Math.min(1, (now_ms - thing.since_ms) / FADE_MS)
    if (thing.since_ms === now_ms) return
    const moved = Math.hypot(thing.x - fromX, thing.y - fromY) / tile
    thing.walked += moved
    const pace = past_ms > 0 ? Math.min(1, (moved * 1_000) / past_ms / WALK) : thing.pace
    thing.pace += (pace - thing.pace) * (1 - Math.exp(-past_ms / PACE_MS))
  }
}

/** From one angle step towards another, along the shorter way. */
function turned(from: number, to: number, part: number, angles: number): number {
  const way = ((((to - from) % angles) + angles * 1.5) % angles) - angles / 2
  return (from + way * part + angles) % angles
}

/** One number for a thing, as long as a match lasts. */
function keyOf(rows: Int32Array, row: number): number {
  return (rows[row + SPRITE.id] ?? 0) * 8 + (rows[row + SPRITE.kind] ?? 0)
}
