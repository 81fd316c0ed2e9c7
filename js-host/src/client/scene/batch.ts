/**
 * Shapes that are drawn together, anew in each frame: whoever draws puts them, nobody keeps them.
 * Decides how particles are used again; must not know what they show.
 */

import { type BLEND_MODES, ParticleContainer, type Texture } from 'pixi.js'
import type { Shape } from './atlas'
import { TINT } from './palette'

/** What Pixi reads of a particle. */
interface Dot {
  x: number
  y: number
  scaleX: number
  scaleY: number
  anchorX: number
  anchorY: number
  rotation: number
  color: number
  texture: Shape['texture']
}

/**
 * One texture with its corner at a place in tiles. A sprite of Pixi's would choose among sixteen
 * textures for each pixel, which is what a frame costs where no graphics card draws it.
 */
export function plate(
  texture: Texture,
  { x = 0, y = 0, scale = 1, anchor = 0 },
  blendMode: BLEND_MODES = 'normal',
): ParticleContainer<Dot> {
  const place = { x, y, scaleX: scale, scaleY: scale, anchorX: anchor, anchorY: anchor }
  const dot = { ...place, rotation: 0, color: TINT.white | (255 << 24), texture }
  const view = new ParticleContainer<Dot>({
    texture,
    blendMode,
    dynamicProperties: { vertex: false, position: false, rotation: false, uvs: false, color: false },
  })
  view.addParticle(dot)
  return view
}

/** Room for so many shapes is there from the start. */
const FIRST = 1_024

/** A layer of shapes. */
export class Batch {
  readonly view: ParticleContainer<Dot>
  readonly #dots: Dot[] = []
  #used = 0

  constructor(first: Shape, blendMode: BLEND_MODES = 'normal') {
    this.view = new ParticleContainer<Dot>({
      texture: first.texture,
      dynamicProperties: { vertex: true, position: true, rotation: true, uvs: true, color: true },
      blendMode,
    })
    for (let dot = 0; dot < FIRST; dot += 1) this.#more(first)
    this.view.particleChildren.push(...this.#dots)
  }

  /** Another atlas. */
  retexture({ texture }: Shape): void {
    this.view.texture = texture
  }

  /** Nothing is drawn any more. */
  begin(): void {
    this.#used = 0
  }

  /** Draws a shape at a place in tiles, turned, `scaleX` and `scaleY` times as large. */
  put(
    shape: Shape,
    x: number,
    y: number,
    rotation = 0,
    alpha = 1,
    tint: number = TINT.white,
    scaleX = 1,
    scaleY = scaleX,
  ): void {
    const dot = this.#dots[this.#used] ?? this.#more(shape)
    this.#used += 1
    dot.texture = shape.texture
    dot.anchorX = shape.anchorX
    dot.anchorY = shape.anchorY
    dot.x = x
    dot.y = y
    dot.rotation = rotation
    dot.scaleX = shape.scale * scaleX
    dot.scaleY = shape.scale * scaleY
    dot.color = tint | ((Math.max(0, Math.min(1, alpha)) * 255) << 24)
  }

  /** What was put is what will be rendered. */
  end(): void {
    const children = this.view.particleChildren
    for (let at = children.length; at < this.#used; at += 1) {
      const dot = this.#dots[at]
      if (dot) children.push(dot)
    }
    children.length = this.#used
  }

  #more(shape: Shape): Dot {
    const dot = {
      x: 0,
      y: 0,
      scaleX: 1,
      scaleY: 1,
      anchorX: 0,
      anchorY: 0,
      rotation: 0,
      color: 0,
      texture: shape.texture,
    }
    this.#dots.push(dot)
    return dot
  }
}
