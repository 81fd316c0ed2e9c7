/**
 * The city in pieces: each is painted once, when it is first seen, at the screen's own sharpness.
 * Decides which piece is painted when; must not know how a tile looks.
 */

import { Container, type ParticleContainer, Texture } from 'pixi.js'
import { plate } from './batch'
import type { Camera } from './camera'
import { paintSketch, paintTerrain, type Terrain } from './terrain'

/** Tiles across and down a piece. */
const PIECE = 16
/** How long painting may take in a frame, in milliseconds: then the rest waits for the next. */
const BUDGET_MS = 7

/** Draws the ground. */
export class Ground {
  readonly view = new Container()
  readonly #pieces = new Container()
  readonly #painted = new Map<number, ParticleContainer>()
  #sketch: ParticleContainer | null = null
  #terrain: Terrain | null = null
  #density = 0

  constructor() {
    this.view.addChild(this.#pieces)
  }

  /** Another map. */
  set terrain(terrain: Terrain) {
    this.#terrain = terrain
    this.#forget()
    const canvas = document.createElement('canvas')
    canvas.width = terrain.width
    canvas.height = terrain.height
    const pen = canvas.getContext('2d')
    if (pen) paintSketch(pen, terrain)
    if (this.#sketch) drop(this.#sketch)
    this.#sketch = plate(Texture.from(canvas, true), {}, 'none')
    this.view.addChildAt(this.#sketch, 0)
  }

  /** Pixels per tile. What is painted with fewer or more is painted anew. */
  set density(density: number) {
    if (density === this.#density) return
    this.#density = density
    this.#forget()
  }

  /** Shows what the camera sees; paints as much of it as there is time for. */
  draw(camera: Camera): void {
    if (!this.#terrain) return
    const { width, height } = this.#terrain
    let until_ms: number | null = null
    let missing = false
    for (let row = 0; row * PIECE < height; row += 1) {
      for (let column = 0; column * PIECE < width; column += 1) {
        const key = row * 1_000 + column
        const half = PIECE / 2
        const seen = camera.sees(column * PIECE + half, row * PIECE + half, half)
        const piece = this.#painted.get(key)
        if (piece) piece.visible = seen
        if (!seen || piece) continue
        const now_ms = performance.now()
        until_ms ??= now_ms + BUDGET_MS
        // At least one a frame, so that there is an end.
        if (now_ms < until_ms) this.#paint(this.#terrain, key, column * PIECE, row * PIECE)
        else missing = true
      }
    }
    // What is painted over need not be drawn.
    if (this.#sketch) this.#sketch.visible = missing
  }

  #paint(terrain: Terrain, key: number, left: number, top: number): void {
    const canvas = document.createElement('canvas')
    const [across, down] = [Math.min(PIECE, terrain.width - left), Math.min(PIECE, terrain.height - top)]
    canvas.width = across * this.#density
    canvas.height = down * this.#density
    const pen = canvas.getContext('2d', { alpha: false })
    if (!pen) return
    pen.scale(this.#density, this.#density)
    paintTerrain(pen, terrain, { left, top, across, down })
    const piece = plate(Texture.from(canvas, true), { x: left, y: top, scale: 1 / this.#density }, 'none')
    this.#painted.set(key, piece)
    this.#pieces.addChild(piece)
  }

  #forget(): void {
    for (const piece of this.#painted.values()) drop(piece)
    this.#painted.clear()
  }
}

/** Gives back what was painted, too. */
function drop(piece: ParticleContainer): void {
  piece.destroy({ texture: true, textureSource: true })
}
