/**
 * All shapes in one texture, so that whatever is drawn is drawn at once. Decides where each is.
 * Painted on a canvas, which a lost WebGL context does not take along, and with its soft edges.
 */

import { Rectangle, Texture } from 'pixi.js'
import type { Draft } from './pen'
import { DRAFTS, type ShapeName } from './shapes'

/** A shape that can be drawn. */
export interface Shape {
  readonly texture: Texture
  /** Its middle, as a part of its width and height. */
  readonly anchorX: number
  readonly anchorY: number
  /** Tiles per pixel of the texture. */
  readonly scale: number
}

/** All shapes, by name. */
export interface Atlas {
  readonly shapes: Readonly<Record<ShapeName, Shape>>
  destroy(): void
}

/** Between two shapes, in pixels: none may bleed into another. */
const GAP = 2
const SIDE = 1_024

interface Spot {
  name: ShapeName
  draft: Draft
  x: number
  y: number
  width: number
  height: number
  /** Pixels per tile. */
  density: number
}

/** Paints all shapes at `density` pixels per tile. */
export function paintAtlas(density: number): Atlas {
  const [spots, height] = arrange(density)
  const canvas = document.createElement('canvas')
  canvas.width = SIDE
  canvas.height = height
  const pen = canvas.getContext('2d')
  if (!pen) throw new Error('this browser draws no canvas')
  const whole = Texture.from(canvas, true)
  const shapes = Object.fromEntries(
    spots.map((spot) => {
      const [left, up] = spot.draft.box
      pen.save()
      pen.beginPath()
      pen.rect(spot.x, spot.y, spot.width, spot.height)
      pen.clip()
      pen.translate(spot.x + left * spot.density, spot.y + up * spot.density)
      pen.scale(spot.density, spot.density)
      pen.fillStyle = '#fff'
      spot.draft.paint(pen)
      pen.restore()
      const frame = new Rectangle(spot.x, spot.y, spot.width, spot.height)
      const shape: Shape = {
        texture: new Texture({ source: whole.source, frame }),
        anchorX: (left * spot.density) / spot.width,
        anchorY: (up * spot.density) / spot.height,
        scale: 1 / spot.density,
      }
      return [spot.name, shape]
    }),
  ) as Record<ShapeName, Shape>
  return {
    shapes,
    destroy() {
      for (const { texture } of Object.values(shapes)) texture.destroy(false)
      whole.destroy(true)
    },
  }
}

/** In rows, the tallest first. */
function arrange(density: number): [Spot[], number] {
  const spots = (Object.entries(DRAFTS) as [ShapeName, Draft][]).map(([name, draft]): Spot => {
    const [left, up, right, down] = draft.box
    const own = density * (draft.detail ?? 1)
    return {
      name,
      draft,
      x: 0,
      y: 0,
      width: Math.ceil((left + right) * own),
      height: Math.ceil((up + down) * own),
      density: own,
    }
  })
  spots.sort((one, other) => other.height - one.height)
  let [x, y, row] = [GAP, GAP, 0]
  for (const spot of spots) {
    if (x + spot.width + GAP > SIDE) {
      x = GAP
      y += row + GAP
      row = 0
    }
    spot.x = x
    spot.y = y
    x += spot.width + GAP
    row = Math.max(row, spot.height)
  }
  return [spots, y + row + GAP]
}
