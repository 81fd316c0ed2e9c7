/**
 * Whoever and whatever is on the field. Decides how each looks in what it does: shapes say what
 * colours say. Must not know what happened before, other than by its memory. Lengths are in tiles.
 */

import { FLAG, ITEM, KIND, type Measures } from '../game'
import type { Thing } from '../motion'
import type { Memory } from './effects'
import type { Layers } from './layers'
import { shapeOf } from './looks'
import { TINT } from './palette'
import { ARC, PARTS } from './shapes'

/** How far somebody walks from a left foot to the next, in tiles. */
const PACE_TILES = 1.5
/** How long a swing, a shot's recoil and a bite are seen, in milliseconds. */
const SWING_MS = 240
const GUN_MS = 420
const BITE_MS = 260
const HURT_MS = 140
/** Who turns soon is marked so, in milliseconds. */
const SOON_MS = 6_000
/** Smaller than this, in CSS pixels per tile, nobody sees arms and legs. */
const DETAIL_PX = 9
/** How far a lure is heard, as its rings show it. */
const LURE_TILES = 5

/** A limb's place on the figure it belongs to. */
interface Pose {
  x: number
  y: number
  cos: number
  sin: number
  angle: number
  alpha: number
  tint: number
}

/** Draws figures, zombies, items and lures. */
export class Figures {
  readonly #measures: Measures
  /** What our own figure wears. */
  look = 0
  readonly #pose: Pose = { x: 0, y: 0, cos: 1, sin: 0, angle: 0, alpha: 1, tint: TINT.white }

  constructor(measures: Measures) {
    this.#measures = measures
  }

  /** Draws a thing. `aims`: its reach is shown. */
  draw(thing: Thing, memory: Memory | null, layers: Layers, own: boolean, aims: boolean): void {
    const { tile, angles } = this.#measures
    const [x, y] = [thing.x / tile, thing.y / tile]
    if (thing.kind === KIND.lure) {
      this.#lure(thing, x, y, layers)
      return
    }
    if (!layers.camera.sees(x, y, 2.5)) return
    const pose = this.#pose
    pose.angle = (thing.facing * 2 * Math.PI) / angles
    pose.cos = Math.cos(pose.angle)
    pose.sin = Math.sin(pose.angle)
    pose.x = x
    pose.y = y
    pose.alpha = thing.opacity
    const hurt = memory !== null && layers.now_ms - memory.hurt_ms < HURT_MS && !layers.calm
    pose.tint = hurt ? TINT.danger : TINT.white
    if (thing.kind === KIND.item) this.#item(thing, layers)
    else if (thing.kind === KIND.zombie) this.#zombie(thing, memory, layers)
    else if (thing.flags & FLAG.turned) this.#turned(thing, memory, layers, own)
    else this.#survivor(thing, memory, layers, own, aims)
  }

  #item({ id, extra }: Thing, { ground, glow, shapes, now_ms, calm }: Layers): void {
    const { x, y, alpha } = this.#pose
    const hover = calm ? 0 : Math.sin(now_ms / 420 + id)
    const [shape, tint] =
      extra === ITEM.medkit
        ? [shapes.medkit, TINT.white]
        : extra === ITEM.ammunition
          ? [shapes.ammunition, TINT.gold]
          : [shapes.radio, TINT.lure]
    ground.put(shapes.shadow, x + 0.05, y + 0.14, 0, alpha, TINT.white, 0.85)
    glow.put(shapes.glow, x, y, 0, alpha * (0.26 + hover * 0.06), tint, 1.15)
    ground.put(shape, x, y - 0.05 - hover * 0.05, 0, alpha)
  }

  #lure({ x, y, extra, opacity }: Thing, atX: number, atY: number, layers: Layers): void {
    if (!layers.camera.sees(atX, atY, LURE_TILES)) return
    const { ground, figures, glow, shapes, now_ms, calm } = layers
    const left = Math.min(1, extra / 800)
    for (let wave = 0; wave < 3; wave += 1) {
      const t = calm ? (wave + 1) / 3.2 : (now_ms / 1_400 + wave / 3) % 1
      glow.put(shapes.ring, atX, atY, 0, 0.75 * (1 - t) * left * opacity, TINT.lure, 0.4 + t * LURE_TILES)
    }
    ground.put(shapes.shadow, atX, atY + 0.1, 0, opacity)
    glow.put(shapes.glow, atX, atY, 0, 0.4 * opacity, TINT.lure, 1.6)
    const shiver = calm ? 0 : Math.sin(now_ms / 28 + x + y) * 0.06
    figures.put(shapes.radio, atX, atY, shiver, opacity)
  }

  #zombie(thing: Thing, memory: Memory | null, layers: Layers): void {
    const { figures, ground, shapes, camera } = layers
    const pose = this.#pose
    if (thing.state === 'felled') {
      figures.put(shapes.zombieLies, pose.x, pose.y, pose.angle, pose.alpha)
      return
    }
    const size = (0.94 + (thing.id % 5) * 0.03) * (0.55 + 0.45 * thing.opacity)
    ground.put(shapes.shadow, pose.x + 0.08, pose.y + 0.12, 0, pose.alpha, TINT.white, size)
    if (camera.scale < DETAIL_PX) {
      figures.put(shapes.zombie, pose.x, pose.y, pose.angle, pose.alpha, TINT.white, size * 1.5)
      return
    }
    const step = this.#step(thing)
    this.#feet(step * 0.8, size, layers)
    const lunge = bump(layers.now_ms, memory?.bite_ms, BITE_MS)
    this.#ghoulArms(shapes.zombieArm, step, lunge, size, layers)
    const sway = step * 0.13
    const forward = lunge * 0.22
    figures.put(
      shapes.zombie,
      pose.x + pose.cos * forward,
      pose.y + pose.sin * forward,
      pose.angle + sway,
      pose.alpha,
      pose.tint,
      size,
    )
  }

  #turned(thing: Thing, memory: Memory | null, layers: Layers, own: boolean): void {
    const { figures, ground, marks, shapes, now_ms, calm } = layers
    const pose = this.#pose
    const lies = (thing.flags & FLAG.down) !== 0
    if (own) marks.put(shapes.halo, pose.x, pose.y, pose.angle, pose.alpha * (lies ? 0.4 : 0.95), TINT.turned, 1.1)
    ground.put(shapes.shadow, pose.x + 0.08, pose.y + 0.12, 0, pose.alpha, TINT.white, 1.1)
    if (lies) {
      figures.put(shapes.turnedLies, pose.x, pose.y, pose.angle, pose.alpha * 0.92)
    } else {
      const step = this.#step(thing)
      const struck = Math.max(memory?.bite_ms ?? NEVER, memory?.strike_ms ?? NEVER)
      const lunge = bump(now_ms, struck, BITE_MS)
      this.#feet(step, 1.1, layers)
      this.#ghoulArms(shapes.turnedArm, step, lunge, 1.1, layers)
      const [x, y] = [pose.x + pose.cos * lunge * 0.25, pose.y + pose.sin * lunge * 0.25]
      figures.put(shapes.turned, x, y, pose.angle + step * 0.1, pose.alpha, pose.tint)
    }
    const hover = calm ? 0 : Math.sin(now_ms / 300 + thing.id) * 0.05
    marks.put(shapes.mark, pose.x, pose.y - 1.12 + hover, 0, pose.alpha * (lies ? 0.6 : 1), TINT.white, 1.05)
    if (!lies) this.#bar(thing, TINT.turned, 0.8, layers)
  }

  #survivor(thing: Thing, memory: Memory | null, layers: Layers, own: boolean, aims: boolean): void {
    const { figures, ground, glow, marks, shapes, now_ms, calm, camera } = layers
    const pose = this.#pose
    const { x, y, cos, sin, angle, alpha } = pose
    const infected = thing.extra > 0
    // Above whoever crowds around: nobody loses sight of oneself.
    if (own) marks.put(shapes.halo, x, y, angle, alpha, TINT.white, infected ? 1.22 : 1)
    if (own && aims) ground.put(shapes.reach, x, y, angle, alpha * 0.8)
    ground.put(shapes.shadow, x + 0.08, y + 0.12, 0, alpha)
    glow.put(shapes.cone, x + cos * 0.3, y + sin * 0.3, angle, alpha * (own ? 0.42 : 0.24), TINT.lamp, own ? 1.5 : 1.2)
    // A light of their own: friends are found at a glance.
    if (!own) glow.put(shapes.glow, x, y, 0, alpha * 0.3, TINT.survivor, 1.25)
    const body = own ? shapes[shapeOf(this.look)] : shapes.survivor
    if (camera.scale < DETAIL_PX) {
      figures.put(body, x, y, angle, alpha, TINT.white, 1.6)
    } else {
      const step = this.#step(thing)
      this.#feet(step, 1, layers)
      this.#arms(thing, memory, own, step, layers)
      figures.put(body, x, y, angle + step * 0.07, alpha, pose.tint)
      if (infected) figures.put(shapes.sores, x, y, angle + step * 0.07, alpha)
    }
    const swing = (now_ms - (memory?.strike_ms ?? NEVER)) / SWING_MS
    if (swing < 1) glow.put(shapes.swing, x, y, angle, alpha * (1 - swing) * (calm ? 0.5 : 0.9))
    if (infected) this.#ring(thing.extra, layers)
    if (thing.health < this.#measures.health) this.#bar(thing, own ? TINT.white : TINT.survivor, 0.98, layers)
  }

  /** -1 to 1: which foot is in front, and how far. */
  #step({ walked, pace }: Thing): number {
    return Math.sin((walked * 2 * Math.PI) / PACE_TILES) * Math.min(1, pace * 1.4)
  }

  #feet(step: number, size: number, { figures, shapes }: Layers): void {
    for (const side of SIDES) this.#limb(figures, shapes.foot, step * side * 0.34 - 0.02, side * 0.2, 0, size)
  }

  #ghoulArms(shape: Layers['shapes']['zombieArm'], step: number, lunge: number, size: number, layers: Layers): void {
    for (const side of SIDES) {
      const reach = 0.16 + step * side * 0.1 + lunge * 0.3
      this.#limb(layers.figures, shape, reach, side * 0.4, -side * (0.1 + lunge * 0.35) + step * 0.1, size)
    }
  }

  /** The left arm swings; the right one holds what it last used. */
  #arms(thing: Thing, memory: Memory | null, own: boolean, step: number, { figures, shapes, now_ms }: Layers): void {
    const arm = own ? shapes.meArm : shapes.survivorArm
    const shot = now_ms - (memory?.shot_ms ?? NEVER)
    if (shot < GUN_MS || thing.flags & FLAG.shoots) {
      const recoil = Math.max(0, 1 - shot / 120) * 0.14
      this.#limb(figures, shapes.gun, 0.5 - recoil, 0.2, 0)
      this.#limb(figures, arm, 0.12 - recoil, -0.4, 0.62)
      this.#limb(figures, arm, 0.12 - recoil, 0.42, -0.42)
      return
    }
    const swing = (now_ms - (memory?.strike_ms ?? NEVER)) / SWING_MS
    // From the right to the left and back, as fast at first as anybody can.
    const turn = swing < 1 ? ARC - 2 * ARC * (1 - (1 - Math.max(0, swing)) ** 3) : 0.32 - step * 0.2
    this.#limb(figures, arm, step * 0.1, -0.44, 0.25 + step * 0.35)
    this.#limb(figures, shapes.bat, 0.06 + Math.cos(turn) * 0.42, 0.4 + Math.sin(turn) * 0.42, turn * 1.15 - 0.5)
    this.#limb(figures, arm, 0.06, 0.4, turn)
  }

  /** Puts a shape `forward` and to the `right` of the figure. */
  #limb(
    batch: Layers['figures'],
    shape: Layers['shapes']['foot'],
    forward: number,
    right: number,
    rotation: number,
    size = 1,
  ): void {
    const { x, y, cos, sin, angle, alpha, tint } = this.#pose
    const [dx, dy] = [forward * size, right * size]
    batch.put(shape, x + cos * dx - sin * dy, y + sin * dx + cos * dy, angle + rotation, alpha, tint, size)
  }

  /** Seconds until it turns, as a ring that shortens; it beats when there are few. */
  #ring(left_ms: number, { marks, glow, shapes, now_ms, calm }: Layers): void {
    const { x, y, alpha } = this.#pose
    const soon = left_ms <= SOON_MS
    const beat = calm ? 0 : Math.max(0, Math.sin((now_ms / (soon ? 260 : 620)) * Math.PI))
    const tint = soon ? TINT.danger : TINT.sick
    const size = 1 + beat * (soon ? 0.1 : 0.04)
    const parts = (left_ms / this.#measures.infection_ms) * PARTS
    glow.put(shapes.glow, x, y, 0, alpha * (0.22 + beat * 0.2), tint, 1.7)
    marks.put(shapes.ring, x, y, 0, alpha * 0.55, TINT.shade, size * 0.98, size * 0.98)
    for (let part = 0; part < parts; part += 1) {
      const whole = Math.min(1, parts - part)
      marks.put(shapes.part, x, y, (part * 2 * Math.PI) / PARTS, alpha * whole, tint, size)
    }
  }

  /** Health, above the head. */
  #bar({ health }: Thing, tint: number, above: number, { marks, shapes }: Layers): void {
    const { x, y, alpha } = this.#pose
    const part = Math.max(0, Math.min(1, health / this.#measures.health))
    // A dot is 0.12 tiles wide.
    const width = 1.2
    marks.put(shapes.dot, x, y - above, 0, alpha * 0.85, TINT.trough, (width + 0.1) / 0.12, 2)
    const shown = part < 0.35 ? TINT.danger : tint
    marks.put(shapes.dot, x - (width * (1 - part)) / 2, y - above, 0, alpha, shown, (width * part) / 0.12, 1.1)
  }
}

const SIDES = [-1, 1] as const
const NEVER = Number.NEGATIVE_INFINITY

/** Up and down again within `length_ms` of a moment, 0 to 1. */
function bump(now_ms: number, since_ms: number | undefined, length_ms: number): number {
  const t = (now_ms - (since_ms ?? NEVER)) / length_ms
  return t < 0 || t >= 1 ? 0 : Math.sin(t * Math.PI)
}
