/**
 * The whole field, small: terrain, zombies as a glow where they are many, items, and everybody.
 * Decides colours and sizes; must not know where the camera is.
 */

import { FLAG, ITEM, KIND, type Measures, SPRITE, TERRAIN } from '../game'
import type { Look } from '../look'

/** Between two drawings, at least, in milliseconds. */
const EVERY_MS = 100
/** Tiles across a cell in which zombies are counted. */
const CELL_TILES = 3
/** So many zombies in a cell are as bright as can be. */
const CROWD = 7
/** The infected blink with this period, in milliseconds. */
const BLINK_MS = 600
const GROUND: Record<number, string> = {
  [TERRAIN.grass]: '#14202f',
  [TERRAIN.street]: '#26344c',
  [TERRAIN.floor]: '#1d2a40',
  [TERRAIN.door]: '#3a4c6b',
  [TERRAIN.wall]: '#7487a6',
  [TERRAIN.tree]: '#1e4039',
}
const COLOUR = {
  own: '#ffffff',
  friend: '#56b4e9',
  infected: '#f0e442',
  turned: '#cc79a7',
  zombie: '63 203 156',
  lure: '#9cc4ff',
  ink: '#0b1220',
}
const ITEMS: Record<number, string> = { [ITEM.medkit]: '#ff8a5c', [ITEM.ammunition]: '#e69f00', [ITEM.lure]: '#9cc4ff' }

/** One map on one canvas. */
export class Minimap {
  readonly #canvas: HTMLCanvasElement
  readonly #pen: CanvasRenderingContext2D
  readonly #ground: HTMLCanvasElement
  readonly #measures: Measures
  #terrainOf: number | null = null
  #drawn_ms = Number.NEGATIVE_INFINITY

  /** @throws if the browser draws on no canvas */
  constructor(canvas: HTMLCanvasElement, measures: Measures) {
    const pen = canvas.getContext('2d')
    if (!pen) throw new Error('this browser draws no canvas')
    this.#canvas = canvas
    this.#pen = pen
    this.#measures = measures
    this.#ground = document.createElement('canvas')
    this.#ground.width = measures.width / measures.tile
    this.#ground.height = measures.height / measures.tile
  }

  /** `focus`: whom the camera follows. Draws if the last time is long enough ago. */
  draw(look: Look, focus: number | null, calm: boolean, now_ms: number): void {
    if (now_ms - this.#drawn_ms < EVERY_MS || this.#canvas.clientWidth === 0) return
    this.#drawn_ms = now_ms
    if (look.terrainOf !== this.#terrainOf) this.#lay(look)
    const ratio = Math.min(devicePixelRatio || 1, 2)
    const [width, height] = [this.#canvas.clientWidth * ratio, this.#canvas.clientHeight * ratio].map(Math.round)
    if (this.#canvas.width !== width) this.#canvas.width = width ?? 0
    if (this.#canvas.height !== height) this.#canvas.height = height ?? 0
    const pen = this.#pen
    pen.setTransform(1, 0, 0, 1, 0, 0)
    pen.imageSmoothingEnabled = false
    pen.drawImage(this.#ground, 0, 0, this.#canvas.width, this.#canvas.height)
    const scale = this.#canvas.width / this.#measures.width
    pen.setTransform(scale, 0, 0, scale, 0, 0)
    this.#zombies(look)
    this.#things(look, focus, calm || now_ms % BLINK_MS < BLINK_MS / 2)
  }

  /** The terrain, a pixel per tile. */
  #lay({ terrain, terrainOf }: Look): void {
    const pen = this.#ground.getContext('2d')
    if (!pen) return
    this.#terrainOf = terrainOf
    terrain.forEach((tile, index) => {
      pen.fillStyle = GROUND[tile] ?? COLOUR.ink
      pen.fillRect(index % this.#ground.width, Math.floor(index / this.#ground.width), 1, 1)
    })
  }

  #zombies({ rows }: Look): void {
    const { stride, tile, width } = this.#measures
    const cell = CELL_TILES * tile
    const across = Math.ceil(width / cell)
    const counts = new Map<number, number>()
    for (let row = 0; row < rows.length; row += stride) {
      if (rows[row + SPRITE.kind] !== KIND.zombie) continue
      const at =
        Math.floor((rows[row + SPRITE.y] ?? 0) / cell) * across + Math.floor((rows[row + SPRITE.x] ?? 0) / cell)
      counts.set(at, (counts.get(at) ?? 0) + 1)
    }
    for (const [at, count] of counts) {
      this.#pen.fillStyle = `rgb(${COLOUR.zombie} / ${0.35 + (0.55 * Math.min(count, CROWD)) / CROWD})`
      this.#pen.fillRect((at % across) * cell, Math.floor(at / across) * cell, cell, cell)
    }
  }

  #things({ rows, view }: Look, focus: number | null, bright: boolean): void {
    const { stride, tile } = this.#measures
    for (let row = 0; row < rows.length; row += stride) {
      const [kind, id, x = 0, y = 0, , , flags = 0, extra = 0] = rows.subarray(row, row + stride)
      if (kind === KIND.item) this.#square(x, y, 1.7 * tile, ITEMS[extra] ?? COLOUR.own)
      else if (kind === KIND.lure) this.#dot(x, y, 1.6 * tile, COLOUR.lure)
      else if (kind === KIND.player && id !== view?.me) {
        const turned = (flags & FLAG.turned) !== 0
        if (!turned && extra > 0 && bright) this.#dot(x, y, 2.6 * tile, COLOUR.infected)
        this.#dot(x, y, 1.4 * tile, turned ? COLOUR.turned : COLOUR.friend)
        if (id === focus) this.#ring(x, y)
      } else if (kind === KIND.player) {
        this.#dot(x, y, 1.7 * tile, (flags & FLAG.turned) !== 0 ? COLOUR.turned : COLOUR.own)
        this.#ring(x, y)
      }
    }
  }

  #square(x: number, y: number, size: number, colour: string): void {
    this.#pen.fillStyle = colour
    this.#pen.fillRect(x - size / 2, y - size / 2, size, size)
  }

  #dot(x: number, y: number, radius: number, colour: string): void {
    const pen = this.#pen
    pen.beginPath()
    pen.arc(x, y, radius, 0, 2 * Math.PI)
    pen.fillStyle = colour
    pen.fill()
    pen.lineWidth = this.#measures.tile / 2
    pen.strokeStyle = COLOUR.ink
    pen.stroke()
  }

  #ring(x: number, y: number): void {
    const pen = this.#pen
    pen.beginPath()
    pen.arc(x, y, 3.4 * this.#measures.tile, 0, 2 * Math.PI)
    pen.lineWidth = 0.8 * this.#measures.tile
    pen.strokeStyle = COLOUR.own
    pen.stroke()
  }
}
