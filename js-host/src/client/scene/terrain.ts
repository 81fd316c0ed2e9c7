/**
 * The city, painted tile by tile on a canvas. Decides how grass, streets, buildings and trees look
 * by night; every detail follows from a tile's place, so that neighbouring pieces fit. Must not
 * know which piece is needed, nor when. Lengths are in tiles.
 */

import { SOLID, TERRAIN } from '../game'
import { CITY } from './palette'

type Pen = CanvasRenderingContext2D

/** The map of a match. */
export interface Terrain {
  /** A byte per tile, row by row. */
  readonly tiles: Uint8Array
  readonly width: number
  readonly height: number
}

/** What is painted: tiles from `left`, `top`, so many across and down. */
export interface Piece {
  readonly left: number
  readonly top: number
  readonly across: number
  readonly down: number
}

/** How far light, crowns and shadows reach into other tiles. */
const MARGIN = 4
/** Where shadows of walls end: the light comes from the upper left. */
const [SHADOW_X, SHADOW_Y] = [0.42, 0.5]
/** How much of a wall's tile is its face, where its lower side is seen. */
const FACE = 0.36
/** A street that is wider than this is a square, without lanes. */
const LANE_MOST = 9
const LAMP_EVERY = 7

/** Paints a piece; `pen` is scaled to tiles, with the piece's corner at its origin. */
export function paintTerrain(pen: Pen, terrain: Terrain, piece: Piece): void {
  const town = new Town(pen, terrain)
  pen.save()
  pen.translate(-piece.left, -piece.top)
  const [left, top] = [Math.max(0, piece.left - MARGIN), Math.max(0, piece.top - MARGIN)]
  const right = Math.min(terrain.width, piece.left + piece.across + MARGIN)
  const bottom = Math.min(terrain.height, piece.top + piece.down + MARGIN)
  for (const layer of [
    town.meadow,
    town.patches,
    town.ground,
    town.edges,
    town.lanes,
    town.lights,
    town.shadows,
    town.walls,
    town.lamps,
    town.trees,
    town.fence,
  ]) {
    for (let y = top; y < bottom; y += 1) for (let x = left; x < right; x += 1) layer(x, y)
  }
  pen.restore()
}

/** The whole map with a pixel per tile: seen until its pieces are painted. */
export function paintSketch(pen: Pen, { tiles, width }: Terrain): void {
  const colours: Record<number, string> = {
    [TERRAIN.grass]: CITY.grass,
    [TERRAIN.street]: CITY.street[0],
    [TERRAIN.floor]: CITY.floor[0],
    [TERRAIN.door]: CITY.door,
    [TERRAIN.wall]: CITY.roof,
    [TERRAIN.tree]: CITY.leaf[0],
  }
  for (const [at, tile] of tiles.entries()) {
    pen.fillStyle = colours[tile] ?? CITY.grass
    pen.fillRect(at % width, Math.floor(at / width), 1, 1)
  }
}

class Town {
  readonly #pen: Pen
  readonly #terrain: Terrain

  constructor(pen: Pen, terrain: Terrain) {
    this.#pen = pen
    this.#terrain = terrain
  }

  /** What is there; beyond the edge it goes on as at the edge. */
  #at(x: number, y: number): number {
    const { tiles, width, height } = this.#terrain
    const [nearX, nearY] = [Math.min(width - 1, Math.max(0, x)), Math.min(height - 1, Math.max(0, y))]
    return tiles[nearY * width + nearX] ?? TERRAIN.grass
  }

  #is(x: number, y: number, what: number): boolean {
    return this.#at(x, y) === what
  }

  /** How many tiles like this one are in a row with it, and which of them it is. */
  #run(x: number, y: number, dx: number, dy: number): { length: number; index: number } {
    const inside = (step: number) => {
      const [toX, toY] = [x + dx * step, y + dy * step]
      const { width, height } = this.#terrain
      return toX >= 0 && toY >= 0 && toX < width && toY < height && this.#is(toX, toY, TERRAIN.street)
    }
    let [before, after] = [0, 0]
    while (before <= LANE_MOST && inside(-before - 1)) before += 1
    while (after <= LANE_MOST && inside(after + 1)) after += 1
    return { length: before + after + 1, index: before }
  }

  /** Grass everywhere it shows, in soft patches; what is no grass is painted over it. */
  readonly meadow = (x: number, y: number): void => {
    const tile = this.#at(x, y)
    if (tile !== TERRAIN.grass && tile !== TERRAIN.tree) return
    this.#pen.fillStyle = CITY.grass
    this.#square(x, y)
  }

  readonly patches = (x: number, y: number): void => {
    if (!this.#is(x, y, TERRAIN.grass) || hash(x, y, 40) > 0.16) return
    const radius = 1.2 + 2 * hash(x, y, 41)
    const colour = CITY.patch[Math.floor(hash(x, y, 42) * CITY.patch.length)] ?? CITY.patch[0]
    const [atX, atY] = [x + hash(x, y, 43), y + hash(x, y, 44)]
    const gradient = this.#pen.createRadialGradient(atX, atY, radius * 0.3, atX, atY, radius)
    gradient.addColorStop(0, `rgba(${colour},0.55)`)
    gradient.addColorStop(1, `rgba(${colour},0)`)
    this.#pen.fillStyle = gradient
    this.#pen.fillRect(atX - radius, atY - radius, 2 * radius, 2 * radius)
  }

  readonly ground = (x: number, y: number): void => {
    const pen = this.#pen
    const chance = hash(x, y)
    const tile = this.#at(x, y)
    if (tile === TERRAIN.grass || tile === TERRAIN.tree) {
      this.#tufts(x, y)
      this.#litter(x, y)
    } else if (tile === TERRAIN.street) {
      pen.fillStyle = CITY.street[Math.floor(chance * 2.2)] ?? CITY.street[0]
      this.#square(x, y)
      if (hash(x, y, 3) < 0.05) this.#crack(x, y)
    } else if (tile === TERRAIN.door) {
      pen.fillStyle = CITY.door
      this.#square(x, y)
      pen.fillStyle = CITY.doorLine
      const level = this.#at(x - 1, y) >= SOLID || this.#at(x + 1, y) >= SOLID
      for (const part of [0.18, 0.46, 0.74]) {
        if (level) pen.fillRect(x + 0.06, y + part, 0.88, 0.07)
        else pen.fillRect(x + part, y + 0.06, 0.07, 0.88)
      }
    } else {
      this.#boards(x, y)
    }
  }

  #square(x: number, y: number): void {
    this.#pen.fillRect(x - 0.01, y - 0.01, 1.02, 1.02)
  }

  #tufts(x: number, y: number): void {
    const pen = this.#pen
    pen.strokeStyle = CITY.tuft
    pen.lineWidth = 0.06
    pen.lineCap = 'round'
    for (let tuft = 0; tuft < 3; tuft += 1) {
      if (hash(x, y, tuft + 10) > 0.3) continue
      const [at, down] = [x + 0.15 + 0.7 * hash(x, y, tuft + 20), y + 0.25 + 0.6 * hash(x, y, tuft + 30)]
      pen.beginPath()
      pen.moveTo(at - 0.1, down - 0.13)
      pen.lineTo(at, down)
      pen.lineTo(at + 0.02, down - 0.2)
      pen.moveTo(at, down)
      pen.lineTo(at + 0.12, down - 0.11)
      pen.stroke()
    }
  }

  /** A stone, or a flower that closed for the night. */
  #litter(x: number, y: number): void {
    const chance = hash(x, y, 45)
    if (chance > 0.05) return
    const pen = this.#pen
    pen.fillStyle = chance < 0.03 ? CITY.stone : CITY.flower
    pen.beginPath()
    const radius = chance < 0.03 ? 0.16 : 0.08
    pen.ellipse(x + hash(x, y, 46), y + hash(x, y, 47), radius, radius * 0.75, 0, 0, 2 * Math.PI)
    pen.fill()
  }

  #crack(x: number, y: number): void {
    const pen = this.#pen
    pen.strokeStyle = CITY.crack
    pen.lineWidth = 0.07
    pen.beginPath()
    pen.moveTo(x + 0.1, y + hash(x, y, 4))
    pen.lineTo(x + 0.4, y + hash(x, y, 5))
    pen.lineTo(x + 0.6, y + hash(x, y, 6))
    pen.lineTo(x + 0.95, y + hash(x, y, 7))
    pen.stroke()
  }

  #boards(x: number, y: number): void {
    const pen = this.#pen
    for (let board = 0; board < 2; board += 1) {
      pen.fillStyle = CITY.floor[Math.floor(hash(Math.floor(x / 3), y * 2 + board, 8) * 3)] ?? CITY.floor[0]
      pen.fillRect(x - 0.01, y + board / 2, 1.02, 0.51)
    }
    pen.fillStyle = CITY.board
    pen.fillRect(x - 0.01, y, 1.02, 0.05)
    pen.fillRect(x - 0.01, y + 0.5, 1.02, 0.05)
    for (let board = 0; board < 2; board += 1) {
      if ((x + board * 2 + y) % 4 === 0) pen.fillRect(x, y + board / 2, 0.05, 0.5)
    }
  }

  /** A barrier of stripes along the arena's edge. */
  readonly fence = (x: number, y: number): void => {
    const { width, height } = this.#terrain
    const pen = this.#pen
    for (const [on, dx, dy, upright] of [
      [x === 0, 0, 0, true],
      [x === width - 1, 0.8, 0, true],
      [y === 0, 0, 0, false],
      [y === height - 1, 0, 0.8, false],
    ] as const) {
      if (!on) continue
      pen.fillStyle = CITY.kerbShade
      pen.fillRect(x + dx, y + dy, upright ? 0.2 : 1, upright ? 1 : 0.2)
      pen.fillStyle = CITY.fence
      for (const part of [0, 0.5]) {
        if (upright) pen.fillRect(x + dx + 0.03, y + part, 0.14, 0.26)
        else pen.fillRect(x + part, y + dy + 0.03, 0.26, 0.14)
      }
    }
  }

  /** Kerbs, where a street ends. */
  readonly edges = (x: number, y: number): void => {
    if (!this.#is(x, y, TERRAIN.street)) return
    const pen = this.#pen
    for (const [dx, dy] of SIDES) {
      const beside = this.#at(x + dx, y + dy)
      if (beside === TERRAIN.street || beside === TERRAIN.door || beside === TERRAIN.wall) continue
      for (const [style, from, width] of [
        [CITY.kerbShade, 0, 0.26],
        [CITY.kerb, 0, 0.15],
      ] as const) {
        pen.fillStyle = style
        const far = 1 - from - width
        if (dx !== 0) pen.fillRect(x + (dx > 0 ? far : from), y - 0.01, width, 1.02)
        else pen.fillRect(x - 0.01, y + (dy > 0 ? far : from), 1.02, width)
      }
    }
  }

  /** A dashed line along the middle of a street, and stripes where people cross. */
  readonly lanes = (x: number, y: number): void => {
    if (!this.#is(x, y, TERRAIN.street)) return
    const [level, upright] = [this.#run(x, y, 1, 0), this.#run(x, y, 0, 1)]
    const along = level.length > upright.length
    const across = along ? upright : level
    const length = along ? level.length : upright.length
    if (across.length < 3 || across.length > LANE_MOST || length <= LANE_MOST) return
    const pen = this.#pen
    const step = along ? x : y
    // A crossing of two streets is as wide as it is long, beyond what counts.
    const next = along
      ? [this.#run(x - 1, y, 0, 1).length, this.#run(x + 1, y, 0, 1).length]
      : [this.#run(x, y - 1, 1, 0).length, this.#run(x, y + 1, 1, 0).length]
    if (next.some((wide) => wide > LANE_MOST)) {
      pen.fillStyle = 'rgba(214,220,230,0.34)'
      for (const part of [0.08, 0.58]) {
        if (along) pen.fillRect(x + 0.1, y + part, 0.8, 0.3)
        else pen.fillRect(x + part, y + 0.1, 0.3, 0.8)
      }
      return
    }
    const middle = across.length / 2
    if (middle < across.index || middle >= across.index + 1 || step % 3 === 2) return
    pen.fillStyle = CITY.lane
    pen.globalAlpha = 0.55
    const at = middle - across.index - 0.05
    if (along) pen.fillRect(x + 0.1, y + at, 0.8, 0.11)
    else pen.fillRect(x + at, y + 0.1, 0.11, 0.8)
    pen.globalAlpha = 1
  }

  /** Whether a street lamp stands at this kerb, and on which side the street is. */
  #lampOf(x: number, y: number): readonly [number, number] | null {
    if (!this.#is(x, y, TERRAIN.grass) || (x * 3 + y * 5) % LAMP_EVERY !== 0) return null
    return SIDES.find(([dx, dy]) => this.#is(x + dx, y + dy, TERRAIN.street)) ?? null
  }

  /** Pools of light: below lamps, before lit windows, in rooms. */
  readonly lights = (x: number, y: number): void => {
    const lamp = this.#lampOf(x, y)
    if (lamp) this.#pool(x + 0.5 + lamp[0], y + 0.5 + lamp[1], 3.6, 'rgba(255,214,150,', 0.3)
    if (this.#windowAt(x, y)) this.#pool(x + 0.5, y + 1.3, 1.7, 'rgba(255,196,110,', 0.34)
    if (this.#is(x, y, TERRAIN.floor) && x % 5 === 2 && y % 4 === 1) {
      this.#pool(x + 0.5, y + 0.5, 3.2, 'rgba(255,206,150,', 0.13)
    }
  }

  #pool(x: number, y: number, radius: number, colour: string, alpha: number): void {
    const pen = this.#pen
    const gradient = pen.createRadialGradient(x, y, 0, x, y, radius)
    for (const [at, part] of [
      [0, 1],
      [0.35, 0.55],
      [0.7, 0.15],
      [1, 0],
    ] as const) {
      gradient.addColorStop(at, `${colour}${(alpha * part).toFixed(3)})`)
    }
    pen.fillStyle = gradient
    pen.globalCompositeOperation = 'lighter'
    pen.fillRect(x - radius, y - radius, 2 * radius, 2 * radius)
    pen.globalCompositeOperation = 'source-over'
  }

  readonly shadows = (x: number, y: number): void => {
    const pen = this.#pen
    const tile = this.#at(x, y)
    pen.fillStyle = 'rgba(3,5,10,0.45)'
    if (tile === TERRAIN.tree) {
      pen.beginPath()
      pen.ellipse(x + 0.5 + SHADOW_X, y + 0.6 + SHADOW_Y, 0.82, 0.66, 0.5, 0, 2 * Math.PI)
      pen.fill()
    }
    if (tile !== TERRAIN.wall) return
    // Only where nothing solid is, so that shadows do not lie upon each other.
    for (const [dx, dy, left, top, width, height] of [
      [1, 0, 1, this.#is(x, y - 1, TERRAIN.wall) ? 0 : 0.3, SHADOW_X, 1],
      [0, 1, this.#is(x - 1, y, TERRAIN.wall) ? 0 : 0.2, 1, 1, SHADOW_Y],
      [1, 1, 1, 1, SHADOW_X, SHADOW_Y],
    ] as const) {
      if (this.#is(x + dx, y + dy, TERRAIN.wall)) continue
      const twice = dx === 1 && dy === 1 && (this.#is(x + 1, y, TERRAIN.wall) || this.#is(x, y + 1, TERRAIN.wall))
      if (!twice) pen.fillRect(x + left, y + top, width, height - (dy === 0 ? top : 0))
    }
  }

  #windowAt(x: number, y: number): boolean {
    if (!this.#is(x, y, TERRAIN.wall) || this.#at(x, y + 1) >= SOLID) return false
    const flat = this.#is(x - 1, y, TERRAIN.wall) && this.#is(x + 1, y, TERRAIN.wall)
    return flat && !this.#is(x, y + 1, TERRAIN.floor) && hash(x, y, 12) < 0.34
  }

  readonly walls = (x: number, y: number): void => {
    if (!this.#is(x, y, TERRAIN.wall)) return
    const pen = this.#pen
    const wall = (dx: number, dy: number) => this.#is(x + dx, y + dy, TERRAIN.wall)
    const face = wall(0, 1) ? 0 : FACE
    pen.fillStyle = CITY.roof
    pen.fillRect(x - 0.01, y - 0.01, 1.02, 1.02 - face)
    if (face > 0) {
      pen.fillStyle = CITY.face
      pen.fillRect(x - 0.01, y + 1 - face, 1.02, face)
      pen.fillStyle = CITY.faceShade
      pen.fillRect(x - 0.01, y + 0.9, 1.02, 0.11)
      if (this.#windowAt(x, y)) {
        pen.fillStyle = CITY.window
        pen.fillRect(x + 0.2, y + 1 - face + 0.06, 0.26, 0.2)
        pen.fillRect(x + 0.54, y + 1 - face + 0.06, 0.26, 0.2)
      }
    }
    // Bricks of the top, then its lit and its dark edges.
    pen.fillStyle = 'rgba(40,46,60,0.25)'
    if (hash(x, y, 13) < 0.5) pen.fillRect(x + 0.3 * hash(x, y, 14), y + 0.3, 0.4, 0.05)
    pen.fillStyle = CITY.roofLit
    if (!wall(0, -1)) pen.fillRect(x - 0.01, y, 1.02, 0.13)
    if (!wall(-1, 0)) pen.fillRect(x, y, 0.13, 1.01 - face)
    pen.fillStyle = CITY.roofShade
    if (!wall(1, 0)) pen.fillRect(x + 0.88, y + (wall(0, -1) ? 0 : 0.13), 0.12, 1 - face - (wall(0, -1) ? 0 : 0.13))
    if (face > 0) pen.fillRect(x - 0.01, y + 1 - face - 0.08, 1.02, 0.08)
  }

  readonly lamps = (x: number, y: number): void => {
    const lamp = this.#lampOf(x, y)
    if (!lamp) return
    const pen = this.#pen
    const [poleX, poleY] = [x + 0.5 + lamp[0] * 0.3, y + 0.5 + lamp[1] * 0.3]
    const [headX, headY] = [poleX + lamp[0] * 0.8, poleY + lamp[1] * 0.8]
    pen.lineCap = 'round'
    pen.strokeStyle = '#0d1017'
    pen.lineWidth = 0.16
    pen.beginPath()
    pen.moveTo(poleX, poleY)
    pen.lineTo(headX, headY)
    pen.stroke()
    pen.strokeStyle = '#5d6577'
    pen.lineWidth = 0.07
    pen.stroke()
    for (const [radius, colour] of [
      [0.34, 'rgba(255,220,160,0.3)'],
      [0.17, '#fff1d0'],
    ] as const) {
      pen.fillStyle = colour
      pen.beginPath()
      pen.arc(headX, headY, radius, 0, 2 * Math.PI)
      pen.fill()
    }
  }

  /** Crowns: four rings of leaves, each smaller, lighter and nearer to the light. */
  readonly trees = (x: number, y: number): void => {
    if (!this.#is(x, y, TERRAIN.tree)) return
    const pen = this.#pen
    const size = 0.78 + 0.14 * hash(x, y, 15)
    const turn = hash(x, y, 16) * 2 * Math.PI
    for (const [ring, colour] of CITY.leaf.entries()) {
      const radius = size * (1 - ring * 0.23)
      const [at, down] = [x + 0.5 - ring * 0.07, y + 0.5 - ring * 0.09]
      pen.beginPath()
      const lobes = 9 - ring
      for (let lobe = 0; lobe <= lobes; lobe += 1) {
        const angle = turn + ring + (lobe * 2 * Math.PI) / lobes
        const before = angle - Math.PI / lobes
        const [outX, outY] = [at + Math.cos(before) * radius * 1.18, down + Math.sin(before) * radius * 1.18]
        const [toX, toY] = [at + Math.cos(angle) * radius * 0.9, down + Math.sin(angle) * radius * 0.9]
        if (lobe === 0) pen.moveTo(toX, toY)
        else pen.quadraticCurveTo(outX, outY, toX, toY)
      }
      pen.closePath()
      pen.fillStyle = colour
      pen.fill()
      if (ring > 0) continue
      pen.lineWidth = 0.08
      pen.strokeStyle = '#0a1a10'
      pen.stroke()
    }
  }
}

const SIDES = [
  [1, 0],
  [-1, 0],
  [0, 1],
  [0, -1],
] as const

/** From 0 to 1, the same for the same place and purpose. */
function hash(x: number, y: number, purpose = 0): number {
  let mixed = Math.imul(x + 1, 374_761_393) ^ Math.imul(y + 1, 668_265_263) ^ Math.imul(purpose + 1, 2_147_483_587)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 1_274_126_177)
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 0x1_0000_0000
}
