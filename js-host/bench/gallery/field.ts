/**
 * A field to look at, without rules and without a network: a town, and a crowd in every state that
 * there is. Decides where everybody is at a tick; must not know how it is drawn.
 */

import { FLAG, KIND, type Measures, SOLID, TERRAIN, type View } from '../../src/client/game'
import type { Look } from '../../src/client/look'

export const MEASURES: Measures = {
  tile: 256,
  width: 96 * 256,
  height: 64 * 256,
  angles: 32,
  stride: 9,
  health: 100,
  strike_reach: 410,
  shot_reach: 2_304,
  heal_reach: 512,
  infection_ms: 20_000,
  cooldown_ms: 600,
  lure_ms: 6_000,
  down_ms: 5_000,
  max_medkits: 2,
  max_ammunition: 24,
  max_lures: 2,
}

const [COLUMNS, ROWS] = [96, 64]
const TICK_MS = 100
const STREET_WIDTH = 3

interface Walker {
  kind: number
  id: number
  /** In tiles. */
  x: number
  y: number
  angle: number
  /** In tiles per tick. */
  speed: number
  health: number
  flags: number
  extra: number
  shot: number
}

/** The same numbers in every run. */
class Chance {
  #state = 20_261
  next(): number {
    this.#state = (Math.imul(this.#state, 1_103_515_245) + 12_345) & 0x7fffffff
    return this.#state / 0x80000000
  }
  upTo(most: number): number {
    return Math.floor(this.next() * most)
  }
}

/** A town and its crowd. */
export class Field {
  readonly terrain = new Uint8Array(COLUMNS * ROWS)
  readonly #chance = new Chance()
  readonly #walkers: Walker[] = []
  readonly #me: number
  #tick = 0
  #rows = new Int32Array()
  #ahead = new Int32Array()
  #view: View

  /** `me`: whose figure is ours: 0 is well, 1 infected, 2 turned. */
  constructor(zombies: number, players: number, me: number) {
    this.#me = me
    this.#town()
    for (let id = 0; id < 30; id += 1) this.#add(KIND.item, id, { extra: 1 + (id % 3) })
    for (let id = 0; id < 3; id += 1) this.#add(KIND.lure, id, { extra: MEASURES.lure_ms })
    for (let id = 0; id < zombies; id += 1) this.#add(KIND.zombie, id, { speed: 0.16 + 0.12 * this.#chance.next() })
    for (let id = 0; id < players; id += 1) this.#add(KIND.player, id, this.#state(id))
    this.#gather()
    this.#view = this.#seen()
    this.#read()
  }

  /** The field at a moment. */
  look(now_ms: number): Look {
    while (this.#tick < Math.floor(now_ms / TICK_MS)) {
      this.#tick += 1
      for (const walker of this.#walkers) this.#act(walker)
      this.#read()
    }
    return {
      tick: this.#tick,
      fraction: now_ms / TICK_MS - this.#tick,
      correction: 0,
      rows: this.#rows,
      ahead: this.#ahead,
      view: this.#view,
      terrain: this.terrain,
      terrainOf: 1,
    }
  }

  /** Names of all sorts. */
  names(): Map<number, string> {
    const some = ['brave-otter', 'MossyStone_42', 'Ann', 'quick_brown_fox_jumps', 'u/zed', 'Łukasz', '夜の猫', 'Kim']
    return new Map(Array.from({ length: 64 }, (_, id) => [id, `${some[id % some.length]}${id > 7 ? id : ''}`]))
  }

  #at(x: number, y: number): number {
    const inside = x >= 0 && y >= 0 && x < COLUMNS && y < ROWS
    return inside ? (this.terrain[Math.floor(y) * COLUMNS + Math.floor(x)] ?? TERRAIN.wall) : TERRAIN.wall
  }

  #set(x: number, y: number, what: number): void {
    if (x >= 0 && y >= 0 && x < COLUMNS && y < ROWS) this.terrain[y * COLUMNS + x] = what
  }

  /** Streets, and in each block a house, a park, or both. */
  #town(): void {
    const [columns, rows] = [this.#cuts(COLUMNS), this.#cuts(ROWS)]
    for (let y = 0; y < ROWS; y += 1) {
      for (let x = 0; x < COLUMNS; x += 1) {
        const street = [columns, rows].some((cuts, axis) =>
          cuts.some((cut) => (axis === 0 ? x : y) >= cut && (axis === 0 ? x : y) < cut + STREET_WIDTH),
        )
        this.#set(x, y, street ? TERRAIN.street : TERRAIN.grass)
      }
    }
    for (const [row, top] of [-STREET_WIDTH, ...rows].entries()) {
      for (const [column, left] of [-STREET_WIDTH, ...columns].entries()) {
        const [right, bottom] = [columns[column] ?? COLUMNS, rows[row] ?? ROWS]
        this.#block(left + STREET_WIDTH, top + STREET_WIDTH, right, bottom)
      }
    }
  }

  #cuts(length: number): number[] {
    const cuts: number[] = []
    for (let at = 6 + this.#chance.upTo(4); at < length - 6; at += STREET_WIDTH + 9 + this.#chance.upTo(7))
      cuts.push(at)
    return cuts
  }

  #block(left: number, top: number, right: number, bottom: number): void {
    const [width, height] = [right - left, bottom - top]
    if (width >= 8 && height >= 8 && this.#chance.next() < 0.8) {
      this.#house(left + 1 + this.#chance.upTo(2), top + 1 + this.#chance.upTo(2), right - 1, bottom - 1)
    }
    for (let tree = 0; tree < (width * height) / 12; tree += 1) {
      const [x, y] = [left + this.#chance.upTo(width), top + this.#chance.upTo(height)]
      if (this.#at(x, y) === TERRAIN.grass) this.#set(x, y, TERRAIN.tree)
    }
  }

  #house(left: number, top: number, right: number, bottom: number): void {
    for (let y = top; y < bottom; y += 1) {
      for (let x = left; x < right; x += 1) {
        const edge = x === left || y === top || x === right - 1 || y === bottom - 1
        this.#set(x, y, edge ? TERRAIN.wall : TERRAIN.floor)
      }
    }
    const middle = Math.floor((left + right) / 2)
    for (let y = top + 1; y < bottom - 1; y += 1) this.#set(middle, y, TERRAIN.wall)
    this.#set(middle, Math.floor((top + bottom) / 2), TERRAIN.door)
    this.#set(Math.floor((left + middle) / 2), bottom - 1, TERRAIN.door)
    this.#set(right - 1, top + 2, TERRAIN.door)
    this.#set(Math.floor((middle + right) / 2), top, TERRAIN.door)
  }

  #state(id: number): Partial<Walker> {
    const turned = id % 6 === 2
    return {
      speed: id % 5 === 4 ? 0 : 0.375,
      health: id % 3 === 0 ? 100 : 25 + this.#chance.upTo(75),
      flags: turned ? FLAG.turned | (id % 4 === 0 ? FLAG.down : 0) : 0,
      extra: !turned && id % 5 === 1 ? 1_000 + this.#chance.upTo(19_000) : 0,
    }
  }

  #add(kind: number, id: number, rest: Partial<Walker>): void {
    let [x, y] = [0, 0]
    do [x, y] = [this.#chance.next() * COLUMNS, this.#chance.next() * ROWS]
    while (this.#at(x, y) >= SOLID)
    const angle = this.#chance.upTo(32)
    this.#walkers.push({ kind, id, x, y, angle, speed: 0, health: 1, flags: 0, extra: 0, shot: 0, ...rest })
  }

  /** The first players, items, lures and some zombies are near each other: there is something to see. */
  #gather(): void {
    const [x, y] = [this.#cross('x'), this.#cross('y')]
    let count = 0
    for (const walker of this.#walkers) {
      const { kind, id } = walker
      const close = kind === KIND.player ? id < 14 : kind === KIND.zombie ? id < 60 : id < (kind === KIND.item ? 6 : 1)
      if (!close) continue
      do {
        count += 1
        const far = kind === KIND.player && id === this.#me ? 0.5 : 3 + (count % 11)
        const angle = count * 2.399
        walker.x = x + Math.cos(angle) * far
        walker.y = y + Math.sin(angle) * far
      } while (this.#at(walker.x, walker.y) >= SOLID)
    }
  }

  /** Where two streets cross. */
  #cross(axis: 'x' | 'y'): number {
    const length = axis === 'x' ? COLUMNS : ROWS
    for (let at = Math.floor(length / 2); at < length; at += 1) {
      const street = (step: number) => (axis === 'x' ? this.#at(at, step) : this.#at(step, at)) === TERRAIN.street
      if (Array.from({ length: 30 }, (_, step) => street(step)).every(Boolean)) return at + 1.5
    }
    return length / 2
  }

  #act(walker: Walker): void {
    const { kind, id } = walker
    const phase = (this.#tick + id * 7) % 24
    if (kind === KIND.lure) walker.extra = walker.extra > TICK_MS ? walker.extra - TICK_MS : MEASURES.lure_ms
    if (kind === KIND.item || kind === KIND.lure || walker.flags & FLAG.down) return
    if (this.#chance.next() < 0.06) walker.angle = (walker.angle + this.#chance.upTo(7) + 29) % 32
    const turn = (walker.angle * 2 * Math.PI) / 32
    const [x, y] = [walker.x + Math.cos(turn) * walker.speed, walker.y + Math.sin(turn) * walker.speed]
    const free = walker.speed > 0 && this.#at(x + Math.cos(turn) * 0.4, y + Math.sin(turn) * 0.4) < SOLID
    if (free) Object.assign(walker, { x, y })
    else if (walker.speed > 0) walker.angle = (walker.angle + 11) % 32
    const turned = walker.flags & FLAG.turned
    walker.flags = turned | (free ? FLAG.walks : 0)
    if (kind === KIND.zombie) {
      if (phase < 2 && id % 9 === 0) walker.flags |= FLAG.bites
      return
    }
    if (turned) {
      if (phase < 2) walker.flags |= FLAG.bites
      return
    }
    const shoots = id % 4 === 3 || (this.#tick + id) % 48 > 36
    walker.shot = phase < 2 && shoots ? this.#shot(walker) : 0
    if (phase < 2) walker.flags |= shoots ? FLAG.shoots : FLAG.strikes
    if (phase === 12 && id % 3 !== 0) walker.health = walker.health < 30 ? 100 : walker.health - 8
    if (walker.extra > 0) walker.extra = walker.extra > TICK_MS ? walker.extra - TICK_MS : 20_000
  }

  #shot({ x, y, angle }: Walker): number {
    const turn = (angle * 2 * Math.PI) / 32
    let tiles = 0
    while (tiles < 9 && this.#at(x + Math.cos(turn) * tiles, y + Math.sin(turn) * tiles) < SOLID) tiles += 0.25
    return Math.round(tiles * MEASURES.tile)
  }

  #read(): void {
    const { tile, stride } = MEASURES
    this.#rows = new Int32Array(this.#walkers.length * stride)
    this.#ahead = new Int32Array(this.#walkers.length * stride)
    for (const [at, walker] of this.#walkers.entries()) {
      const turn = (walker.angle * 2 * Math.PI) / 32
      const speed = walker.flags & FLAG.walks ? walker.speed : 0
      const rest = [walker.angle, walker.health, walker.flags, walker.extra, walker.shot]
      const [x, y] = [walker.x * tile, walker.y * tile]
      this.#rows.set([walker.kind, walker.id, x, y, ...rest], at * stride)
      const [toX, toY] = [x + Math.cos(turn) * speed * tile, y + Math.sin(turn) * speed * tile]
      this.#ahead.set([walker.kind, walker.id, toX, toY, ...rest], at * stride)
    }
  }

  #seen(): View {
    const counts = { survivors: 40, infected: 8, turned: 10, zombies: 600, players: 64 }
    const hud = { phase: 'playing' as const, ms_left: 90_000, match_id: 1, ...counts, last: null, scores: [], feed: [] }
    return { hud, me: this.#me, mine: null, here: [] }
  }
}
