/**
 * The field on a canvas: plain dots that move. Decides shapes, colours and what part of the field is
 * seen; must not know where what it draws comes from. Shapes say what colours say.
 */

import { FLAG, KIND, type Measures } from './game'
import type { Thing } from './motion'

/** What is drawn. */
export interface Scene {
  readonly things: Iterable<Thing>
  /** Our player's number. */
  readonly me: number | null
  readonly names: ReadonlyMap<number, string>
  readonly now_ms: number
}

/** Told apart by people who do not see red or green: Okabe and Ito's colours. */
const COLOUR = {
  beyond: '#0b1220',
  floor: '#1d2738',
  grid: '#263349',
  edge: '#8fa3bf',
  zombie: '#e69f00',
  bite: '#ff5a36',
  other: '#56b4e9',
  me: '#ffffff',
  out: '#7c8798',
  ink: '#0b1220',
  text: '#e8eef7',
  shade: 'rgba(11, 18, 32, 0.72)',
}
/** Tiles across the shorter side of the screen, if the whole field would be too small. */
const NEAR_TILES = 34
/** A tile is never drawn smaller than this for someone who plays, in CSS pixels. */
const LEAST_TILE_PX = 11
const GRID_TILES = 4
/** How much of the screen may lie beyond the edge, so that nobody walks below the words in the corners. */
const BEYOND = 0.22
/** How long a zombie takes to appear, in milliseconds. */
const APPEAR_MS = 400
/** Half of the width of what walks, in tiles. */
const RADIUS = 0.52

interface Camera {
  /** CSS pixels per unit. */
  scale: number
  /** The top left corner of the screen, in units. */
  x: number
  y: number
}

/** Draws one field on one canvas. */
export class Painter {
  readonly #canvas: HTMLCanvasElement
  readonly #pen: CanvasRenderingContext2D
  readonly #measures: Measures
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)')
  #width = 0
  #height = 0

  /** @throws if the browser has no canvas */
  constructor(canvas: HTMLCanvasElement, measures: Measures) {
    const pen = canvas.getContext('2d', { alpha: false })
    if (!pen) throw new Error('this browser draws no canvas')
    this.#canvas = canvas
    this.#pen = pen
    this.#measures = measures
  }

  draw(scene: Scene): void {
    const things = [...scene.things]
    const mine = things.find(({ kind, id }) => kind === KIND.player && id === scene.me)
    this.#fit()
    const camera = this.#camera(mine)
    const pen = this.#pen
    pen.fillStyle = COLOUR.beyond
    pen.fillRect(0, 0, this.#width, this.#height)
    pen.save()
    pen.scale(camera.scale, camera.scale)
    pen.translate(-camera.x, -camera.y)
    this.#floor(camera)
    for (const thing of things) if (thing.kind === KIND.zombie) this.#zombie(thing, scene.now_ms)
    for (const thing of things) if (thing.kind === KIND.player && thing !== mine) this.#player(thing, false)
    if (mine) this.#player(mine, true)
    pen.restore()
    for (const thing of things) if (thing.kind === KIND.player) this.#name(thing, camera, scene)
    if (this.#showsPart(camera)) this.#map(things, mine, camera)
  }

  /** As many pixels as the screen has. */
  #fit(): void {
    const { clientWidth, clientHeight } = this.#canvas
    const ratio = Math.min(devicePixelRatio || 1, 2)
    const [width, height] = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)]
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width
      this.#canvas.height = height
    }
    this.#width = clientWidth
    this.#height = clientHeight
    this.#pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  }

  /** All of the field if that is large enough, or if nobody is followed; else what is around us. */
  #camera(mine: Thing | undefined): Camera {
    const { width, height, tile } = this.#measures
    const whole = Math.min(this.#width / width, this.#height / height) * 0.98
    const near = Math.max(Math.min(this.#width, this.#height) / NEAR_TILES, LEAST_TILE_PX) / tile
    const scale = mine ? Math.max(whole, near) : whole
    const place = (at: number, screen: number, field: number) => {
      const seen = screen / scale
      const most = field - seen
      const slack = seen * BEYOND
      return most <= 0 ? most / 2 : Math.min(Math.max(at - seen / 2, -slack), most + slack)
    }
    return {
      scale,
      x: place(mine?.x ?? width / 2, this.#width, width),
      y: place(mine?.y ?? height / 2, this.#height, height),
    }
  }

  #showsPart({ scale }: Camera): boolean {
    const { width, height } = this.#measures
    return this.#width / scale < width || this.#height / scale < height
  }

  #floor({ scale }: Camera): void {
    const { width, height, tile } = this.#measures
    const pen = this.#pen
    pen.fillStyle = COLOUR.floor
    pen.fillRect(0, 0, width, height)
    pen.beginPath()
    for (let x = GRID_TILES * tile; x < width; x += GRID_TILES * tile) {
      pen.moveTo(x, 0)
      pen.lineTo(x, height)
    }
    for (let y = GRID_TILES * tile; y < height; y += GRID_TILES * tile) {
      pen.moveTo(0, y)
      pen.lineTo(width, y)
    }
    pen.lineWidth = 1 / scale
    pen.strokeStyle = COLOUR.grid
    pen.stroke()
    pen.lineWidth = 3 / scale
    pen.strokeStyle = COLOUR.edge
    pen.strokeRect(0, 0, width, height)
  }

  /** A wedge that points where it goes; while it bites, it is filled with another colour. */
  #zombie({ x, y, facing, flags, since_ms }: Thing, now_ms: number): void {
    const pen = this.#pen
    const grown = this.#calm.matches ? 1 : Math.min(1, 0.2 + (now_ms - since_ms) / APPEAR_MS)
    const size = this.#measures.tile * RADIUS * 1.15 * grown
    const bites = (flags & FLAG.bites) !== 0 && now_ms - since_ms > APPEAR_MS
    pen.save()
    pen.translate(x, y)
    pen.rotate((facing * 2 * Math.PI) / this.#measures.angles)
    pen.beginPath()
    pen.moveTo(size, 0)
    pen.lineTo(-size * 0.8, size * 0.8)
    pen.lineTo(-size * 0.45, 0)
    pen.lineTo(-size * 0.8, -size * 0.8)
    pen.closePath()
    pen.fillStyle = bites ? COLOUR.bite : COLOUR.zombie
    pen.fill()
    pen.lineWidth = this.#measures.tile * 0.08
    pen.strokeStyle = COLOUR.ink
    pen.stroke()
    pen.restore()
  }

  /** A disc with a nose; ours is white, in a ring; who is out is a cross. */
  #player({ x, y, facing, health }: Thing, mine: boolean): void {
    const pen = this.#pen
    const { tile, angles } = this.#measures
    const size = tile * RADIUS
    pen.save()
    pen.translate(x, y)
    pen.lineCap = 'round'
    if (health <= 0) {
      pen.lineWidth = tile * 0.26
      pen.strokeStyle = COLOUR.out
      pen.beginPath()
      for (const side of [-1, 1]) {
        pen.moveTo(-size * 0.7, -size * 0.7 * side)
        pen.lineTo(size * 0.7, size * 0.7 * side)
      }
      pen.stroke()
      pen.restore()
      return
    }
    if (mine) this.#ring(size * 1.75, health / this.#measures.health)
    pen.beginPath()
    pen.arc(0, 0, size, 0, 2 * Math.PI)
    pen.fillStyle = mine ? COLOUR.me : COLOUR.other
    pen.fill()
    pen.lineWidth = tile * 0.1
    pen.strokeStyle = COLOUR.ink
    pen.stroke()
    pen.rotate((facing * 2 * Math.PI) / angles)
    pen.beginPath()
    pen.moveTo(size * 0.2, 0)
    pen.lineTo(size * 0.75, 0)
    pen.lineWidth = tile * 0.22
    pen.stroke()
    pen.restore()
  }

  /** Around us, as long as we are well; what is missing was bitten off. */
  #ring(radius: number, left: number): void {
    const pen = this.#pen
    pen.lineWidth = this.#measures.tile * 0.14
    for (const [colour, part] of [
      [COLOUR.out, 1],
      [left > 0.35 ? COLOUR.me : COLOUR.bite, left],
    ] as const) {
      pen.beginPath()
      pen.arc(0, 0, radius, -Math.PI / 2, (2 * part - 0.5) * Math.PI)
      pen.strokeStyle = colour
      pen.stroke()
    }
  }

  /** Name and health of another player; our own are beside the field. */
  #name(thing: Thing, camera: Camera, { me, names }: Scene): void {
    if (thing.id === me) return
    const pen = this.#pen
    const x = (thing.x - camera.x) * camera.scale
    const y = (thing.y - camera.y) * camera.scale - this.#measures.tile * camera.scale
    pen.font = '600 11px system-ui, sans-serif'
    pen.textAlign = 'center'
    pen.textBaseline = 'bottom'
    pen.lineWidth = 3
    pen.strokeStyle = COLOUR.ink
    pen.fillStyle = thing.health > 0 ? COLOUR.text : COLOUR.out
    const name = names.get(thing.id) ?? `player ${thing.id}`
    pen.strokeText(name, x, y)
    pen.fillText(name, x, y)
    if (thing.health <= 0 || thing.health >= this.#measures.health) return
    pen.fillStyle = COLOUR.ink
    pen.fillRect(x - 13, y, 26, 4)
    pen.fillStyle = COLOUR.other
    pen.fillRect(x - 12, y + 1, (24 * thing.health) / this.#measures.health, 2)
  }

  /** The whole field in a corner. */
  #map(things: Thing[], mine: Thing | undefined, camera: Camera): void {
    const pen = this.#pen
    const { width, height } = this.#measures
    const scale = Math.min(132, this.#width * 0.26) / width
    pen.save()
    pen.translate(this.#width - width * scale - 10, this.#height - height * scale - 10)
    pen.fillStyle = COLOUR.shade
    pen.fillRect(0, 0, width * scale, height * scale)
    for (const { kind, x, y, health } of things) {
      if (kind === KIND.player && health <= 0) continue
      const size = kind === KIND.zombie ? 2 : 3.5
      pen.fillStyle = kind === KIND.zombie ? COLOUR.zombie : COLOUR.other
      pen.fillRect(x * scale - size / 2, y * scale - size / 2, size, size)
    }
    if (mine) {
      pen.fillStyle = COLOUR.me
      pen.fillRect(mine.x * scale - 2.5, mine.y * scale - 2.5, 5, 5)
    }
    pen.lineWidth = 1
    pen.strokeStyle = COLOUR.edge
    pen.strokeRect(0, 0, width * scale, height * scale)
    const [left, top] = [Math.max(0, camera.x) * scale, Math.max(0, camera.y) * scale]
    const right = Math.min(width, camera.x + this.#width / camera.scale) * scale
    const bottom = Math.min(height, camera.y + this.#height / camera.scale) * scale
    pen.strokeStyle = COLOUR.me
    pen.strokeRect(left, top, right - left, bottom - top)
    pen.restore()
  }
}
