/**
 * What part of the field is seen. Decides scale and place, smoothly; must not know what is there.
 * Lengths are in tiles of the field and CSS pixels of the screen.
 */

/** Parts of the screen that words cover, in CSS pixels. */
export interface Inset {
  top: number
  right: number
  bottom: number
  left: number
}

interface Point {
  x: number
  y: number
}

/** Tiles across the shorter side of the screen. */
const ACROSS_TILES = 27
/** A tile is never drawn smaller than this for who plays, nor larger, in CSS pixels. */
const [LEAST_PX, MOST_PX] = [16, 44]
/** How much beyond the field's edge is seen at most, in tiles, besides what words cover. */
const BEYOND_TILES = 3
/** How soon the camera is two thirds there, in milliseconds. */
const FOLLOW_MS = 90
const ZOOM_MS = 220
/** Farther than this, in tiles, it does not fly. */
const CUT_TILES = 16
/** Of the whole field, how much of the screen. */
const WHOLE = 0.98

/** A camera over a field of `width` × `height` tiles. */
export class Camera {
  /** CSS pixels per tile. */
  scale = 1
  /** What is at the top left corner of the screen, in tiles. */
  left = 0
  top = 0
  /** The scale that it is going to have: what is painted is painted for this one. */
  target = 1
  readonly inset: Inset = { top: 0, right: 0, bottom: 0, left: 0 }
  readonly #width: number
  readonly #height: number
  #screenWidth = 1
  #screenHeight = 1
  #middle: Point | null = null
  #at_ms = 0

  constructor(width: number, height: number) {
    this.#width = width
    this.#height = height
  }

  /** Looks at a point of the field, or at all of it. */
  look(screenWidth: number, screenHeight: number, at: Point | null, now_ms: number): void {
    const past_ms = Math.max(0, now_ms - this.#at_ms)
    const resized = screenWidth !== this.#screenWidth || screenHeight !== this.#screenHeight
    this.#at_ms = now_ms
    this.#screenWidth = screenWidth
    this.#screenHeight = screenHeight
    const { top, right, bottom, left } = this.inset
    const [clearWidth, clearHeight] = [
      Math.max(1, screenWidth - left - right),
      Math.max(1, screenHeight - top - bottom),
    ]
    const whole = Math.min(clearWidth / this.#width, clearHeight / this.#height) * WHOLE
    const near = Math.min(MOST_PX, Math.max(LEAST_PX, Math.min(screenWidth, screenHeight) / ACROSS_TILES))
    this.target = at ? Math.max(whole, near) : whole
    const wish = at ?? { x: this.#width / 2, y: this.#height / 2 }
    const from = this.#middle
    if (!from || resized || Math.hypot(wish.x - from.x, wish.y - from.y) > CUT_TILES) {
      this.#middle = { x: wish.x, y: wish.y }
      this.scale = this.target
    } else {
      const part = 1 - Math.exp(-past_ms / FOLLOW_MS)
      from.x += (wish.x - from.x) * part
      from.y += (wish.y - from.y) * part
      this.scale += (this.target - this.scale) * (1 - Math.exp(-past_ms / ZOOM_MS))
      if (Math.abs(this.scale / this.target - 1) < 0.001) this.scale = this.target
    }
    const middle = this.#middle ?? wish
    const slack = at ? BEYOND_TILES : 0
    this.left = this.#start(middle.x, this.#width, screenWidth, left, right, slack)
    this.top = this.#start(middle.y, this.#height, screenHeight, top, bottom, slack)
  }

  /** Whether something of this radius, in tiles, is seen. */
  sees(x: number, y: number, radius: number): boolean {
    return (
      x + radius > this.left &&
      y + radius > this.top &&
      x - radius < this.left + this.#screenWidth / this.scale &&
      y - radius < this.top + this.#screenHeight / this.scale
    )
  }

  /** Where the screen begins along one axis, so that `middle` is amid what no words cover. */
  #start(middle: number, field: number, screen: number, before: number, after: number, slack: number): number {
    const least = -slack - before / this.scale
    const most = field + slack + (after - screen) / this.scale
    if (least >= most) return (least + most) / 2
    const start = middle - (before + screen - after) / 2 / this.scale
    return Math.min(Math.max(start, least), most)
  }
}
