/**
 * What is seen for a moment: sparks, tracers, teeth, splats. Decides from what changed about a
 * thing what happened to it; must not know the rules, nor how a figure looks.
 */

import { FLAG, KIND } from '../game'
import type { Thing } from '../motion'
import type { LayerName, Layers } from './layers'
import { TINT } from './palette'
import type { ShapeName } from './shapes'

/** What is known of a thing from the frame before. */
export interface Memory {
  flags: number
  health: number
  extra: number
  /** When it last struck, shot, bit and was hurt, in milliseconds of the page's clock. */
  strike_ms: number
  shot_ms: number
  bite_ms: number
  hurt_ms: number
  /** In which frame it was last seen. */
  frame: number
}

/** A shape that moves by itself and ends. */
interface Spark {
  readonly shape: ShapeName
  readonly layer: LayerName
  readonly x: number
  readonly y: number
  /** In tiles per second. */
  readonly goX: number
  readonly goY: number
  readonly rotation: number
  readonly sizeX: number
  readonly sizeY: number
  /** What is added to the size until it ends. */
  readonly grows: number
  readonly alpha: number
  readonly tint: number
  readonly since_ms: number
  readonly life_ms: number
}

type Options = Partial<Omit<Spark, 'shape' | 'layer' | 'x' | 'y' | 'since_ms'>>

/** How long a splat is seen, in milliseconds. */
const SPLAT_MS = 7_000
/** No more than this at a time: what is more is not drawn. */
const MOST_SPARKS = 500
/** What a page that was hidden did not see is forgotten after so many frames. */
const FORGET_FRAMES = 300
const SHAKE_MS = 260
const SHAKE_PX = 5
const NEVER = Number.NEGATIVE_INFINITY

/** Shows moments. */
export class Effects {
  readonly #memories = new Map<number, Memory>()
  readonly #felled = new WeakSet<Thing>()
  readonly #tile: number
  readonly #turn: number
  #sparks: Spark[] = []
  #frame = 0
  #shaken_ms = NEVER

  constructor(tile: number, angles: number) {
    this.#tile = tile
    this.#turn = (2 * Math.PI) / angles
  }

  /** A new frame: forgets who was not seen for long. */
  begin(): void {
    this.#frame += 1
    if (this.#frame % FORGET_FRAMES !== 0) return
    for (const [key, { frame }] of this.#memories) if (frame < this.#frame - 1) this.#memories.delete(key)
  }

  /** Looks at a thing; what happened to it since the last frame is shown. */
  see(thing: Thing, me: number | null, layers: Layers): Memory {
    const { camera, calm, now_ms } = layers
    const key = thing.id * 8 + thing.kind
    const [x, y] = [thing.x / this.#tile, thing.y / this.#tile]
    const { flags, health, extra } = thing
    const known = this.#memories.get(key)
    if (!known || known.frame < this.#frame - 1) {
      const memory = { flags, health, extra, strike_ms: NEVER, shot_ms: NEVER, bite_ms: NEVER, hurt_ms: NEVER }
      const fresh = { ...memory, frame: this.#frame }
      this.#memories.set(key, fresh)
      return fresh
    }
    const rose = flags & ~known.flags
    const own = thing.kind === KIND.player && thing.id === me
    const seen = camera.sees(x, y, 2)
    if (rose & FLAG.strikes) known.strike_ms = now_ms
    if (rose & FLAG.shoots) known.shot_ms = now_ms
    if (rose & FLAG.bites) known.bite_ms = now_ms
    if (health < known.health && thing.kind === KIND.player) known.hurt_ms = now_ms
    if (own && known.hurt_ms === now_ms && !calm) this.#shaken_ms = now_ms
    if (rose & FLAG.shoots) this.#shot(thing, x, y, layers)
    if (seen) {
      const angle = thing.facing * this.#turn
      if (rose & FLAG.bites) this.#bite(x + Math.cos(angle) * 0.8, y + Math.sin(angle) * 0.8, layers)
      if (known.hurt_ms === now_ms) this.#hurt(x, y, flags & FLAG.turned ? TINT.turned : TINT.danger, layers)
      if (thing.kind === KIND.player) this.#changed(known, thing, rose, layers)
    }
    known.flags = flags
    known.health = health
    known.extra = extra
    known.frame = this.#frame
    return known
  }

  /** A zombie that fell leaves a splat. */
  felled(thing: Thing, layers: Layers): void {
    if (this.#felled.has(thing)) return
    this.#felled.add(thing)
    const [x, y] = [thing.x / this.#tile, thing.y / this.#tile]
    if (!layers.camera.sees(x, y, 2)) return
    const splat = (['splat0', 'splat1', 'splat2'] as const)[thing.id % 3] ?? 'splat0'
    const options = { rotation: thing.id, alpha: 0.75, tint: TINT.ichor, life_ms: SPLAT_MS }
    this.#add(splat, 'ground', x, y, layers, options)
    if (!layers.calm) this.#burst(x, y, TINT.zombie, 8, layers)
  }

  /** An item that was there is gone: somebody has it. */
  taken(x: number, y: number, layers: Layers): void {
    this.#add('ring', 'marks', x, y, layers, { sizeX: 0.3, sizeY: 0.3, grows: 0.8, alpha: 0.9, life_ms: 320 })
  }

  /** How far the picture is shaken, in CSS pixels. */
  shake(now_ms: number): { x: number; y: number } {
    const left = 1 - (now_ms - this.#shaken_ms) / SHAKE_MS
    if (left <= 0) return STILL
    const far = SHAKE_PX * left * left
    return { x: Math.sin(now_ms * 0.09) * far, y: Math.cos(now_ms * 0.13) * far }
  }

  /** Draws what is under way. */
  draw(layers: Layers): void {
    let kept = 0
    for (const spark of this.#sparks) {
      const t = (layers.now_ms - spark.since_ms) / spark.life_ms
      if (t >= 1) continue
      this.#sparks[kept] = spark
      kept += 1
      // It slows down as it goes.
      const way = ((1 - (1 - t) ** 2) * spark.life_ms) / 2_000
      const x = spark.x + spark.goX * way
      const y = spark.y + spark.goY * way
      const alpha = spark.alpha * (1 - t * t)
      const grown = spark.grows * (1 - (1 - t) ** 2)
      const { rotation, tint, sizeX, sizeY } = spark
      layers[spark.layer].put(layers.shapes[spark.shape], x, y, rotation, alpha, tint, sizeX + grown, sizeY + grown)
    }
    this.#sparks.length = kept
  }

  #shot(thing: Thing, x: number, y: number, layers: Layers): void {
    const angle = thing.facing * this.#turn
    const [dx, dy] = [Math.cos(angle), Math.sin(angle)]
    const length = thing.shot / this.#tile
    const [endX, endY] = [x + dx * length, y + dy * length]
    if (!layers.camera.sees((x + endX) / 2, (y + endY) / 2, length / 2 + 1)) return
    const muzzle = Math.min(0.9, length)
    const from = [x + dx * muzzle - dy * 0.2, y + dy * muzzle + dx * 0.2] as const
    const stretched = { sizeX: Math.max(0.1, length - muzzle), sizeY: 1.2, rotation: angle, tint: TINT.flash }
    this.#add('tracer', 'glow', ...from, layers, { ...stretched, life_ms: 170 })
    if (layers.calm) return
    this.#add('muzzle', 'glow', ...from, layers, { rotation: angle, tint: TINT.flash, life_ms: 90 })
    this.#add('glow', 'glow', ...from, layers, { sizeX: 2.6, sizeY: 2.6, tint: TINT.flash, alpha: 0.5, life_ms: 110 })
    this.#burst(endX, endY, TINT.flash, 5, layers)
  }

  #bite(x: number, y: number, layers: Layers): void {
    this.#add('bite', 'marks', x, y, layers, { tint: TINT.danger, sizeX: 0.85, sizeY: 0.85, grows: -0.3, life_ms: 240 })
  }

  #hurt(x: number, y: number, tint: number, layers: Layers): void {
    const options = { tint: TINT.blood, alpha: 0.6, sizeX: 0.6, sizeY: 0.6, life_ms: SPLAT_MS, rotation: x + y }
    this.#add('splat1', 'ground', x, y, layers, options)
    if (!layers.calm) this.#burst(x, y, tint, 7, layers)
  }

  /** Cured, infected, turned. */
  #changed(known: Memory, { x, y, extra, flags }: Thing, rose: number, layers: Layers): void {
    const at = [x / this.#tile, y / this.#tile] as const
    const wave = (tint: number) =>
      this.#add('ring', 'marks', ...at, layers, { sizeX: 0.5, sizeY: 0.5, grows: 1.6, tint, life_ms: 600 })
    if (rose & FLAG.turned) {
      wave(TINT.turned)
      if (!layers.calm) this.#burst(...at, TINT.turned, 16, layers)
    } else if (known.extra > 0 && extra === 0 && !(flags & FLAG.turned)) {
      wave(TINT.heal)
      this.#add('cross', 'marks', at[0], at[1] - 0.9, layers, { goY: -2.4, tint: TINT.heal, grows: 0.8, life_ms: 900 })
    } else if (known.extra === 0 && extra > 0) {
      wave(TINT.sick)
    }
  }

  #burst(x: number, y: number, tint: number, count: number, layers: Layers): void {
    for (let spark = 0; spark < count; spark += 1) {
      const angle = ((spark + Math.random()) * 2 * Math.PI) / count
      const speed = 2 + Math.random() * 5
      const size = 0.8 + Math.random() * 1.4
      this.#add('dot', 'marks', x, y, layers, {
        goX: Math.cos(angle) * speed,
        goY: Math.sin(angle) * speed,
        rotation: angle,
        sizeX: size * 1.6,
        sizeY: size,
        grows: -0.6,
        tint,
        life_ms: 260 + Math.random() * 260,
      })
    }
  }

  #add(shape: ShapeName, layer: LayerName, x: number, y: number, layers: Layers, options: Options): void {
    if (this.#sparks.length >= MOST_SPARKS) return
    this.#sparks.push({ ...PLAIN, ...options, shape, layer, x, y, since_ms: layers.now_ms })
  }
}

const STILL = { x: 0, y: 0 }
const PLAIN = {
  goX: 0,
  goY: 0,
  rotation: 0,
  sizeX: 1,
  sizeY: 1,
  grows: 0,
  alpha: 1,
  tint: TINT.white,
  life_ms: 300,
}
