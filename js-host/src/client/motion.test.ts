/** Motion between ticks, how corrections of the prediction are shown, and how smooth all of it is. */

import { describe, expect, test } from 'vitest'
import { KIND, type Measures, SPRITE, type View } from './game'
import type { Look } from './look'
import { FADE_MS, Motion, type Thing } from './motion'

const TILE = 256
const STRIDE = 9
const MEASURES: Measures = {
  tile: TILE,
  width: 24_576,
  height: 16_384,
  angles: 32,
  stride: STRIDE,
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

/** Motion has no use for it. */
const GROUND = { terrain: new Uint8Array(), terrainOf: 0 }

function row(id: number, x: number, y = 0, kind: number = KIND.zombie, facing = 0): number[] {
  return [kind, id, x, y, facing, 1, 0, 0, 0]
}

function look(tick: number, fraction: number, rows: number[][], ahead = rows, correction = 0, view?: View): Look {
  const flat = (some: number[][]) => Int32Array.from(some.flat())
  return { tick, fraction, correction, rows: flat(rows), ahead: flat(ahead), view: view ?? null, ...GROUND }
}

function viewOf(match_id: number, me: number | null = null): View {
  const hud = { phase: 'playing', match_id, ms_left: 0, survivors: 0, infected: 0, turned: 0, zombies: 0, players: 0 }
  return { hud: { ...hud, phase: 'playing', last: null, scores: [], feed: [] }, me, mine: null, here: [] }
}

function xs(things: Iterable<Thing>): number[] {
  return [...things].filter(({ state }) => state === 'here').map(({ x }) => x)
}

describe('motion', () => {
  test('a thing moves evenly from its place in one tick to its place in the next', () => {
    const motion = new Motion(MEASURES)
    const from = [row(1, 1_000)]
    const to = [row(1, 1_100)]
    expect([0, 0.25, 1].map((part) => xs(motion.move(look(5, part, from, to), part * 100))[0])).toEqual([
      1_000, 1_025, 1_100,
    ])
    expect(xs(motion.move(look(6, 0, to), 100))).toEqual([1_100])
  })

  test('a correction glides from where the thing was drawn to where it is, and takes longer the larger it is', () => {
    const hidden_ms = [0.5, 2, 6, 15].map((tiles) => {
      const motion = new Motion(MEASURES)
      const before = [row(1, 1_000)]
      motion.move(look(5, 0, before), 0)
      const after = look(5, 0, [row(1, 1_000 + tiles * TILE)], undefined, 1)
      let [last] = xs(motion.move(after, 0))
      expect(last).toBeCloseTo(1_000)
      for (let now_ms = 10; now_ms <= 700; now_ms += 10) {
        const [x = 0] = xs(motion.move(after, now_ms))
        expect(x).toBeGreaterThan(last ?? 0)
        if (x >= 1_000 + tiles * TILE) return now_ms
        last = x
      }
      return Number.POSITIVE_INFINITY
    })
    expect(hidden_ms).toEqual([210, 390, 600, 600])
  })

  test('a correction within a glide bends its path without a kink', () => {
    const motion = new Motion(MEASURES)
    motion.move(look(5, 0, [row(1, 0)]), 0)
    const first = look(5, 0, [row(1, 2 * TILE)], undefined, 1)
    const second = look(5, 0, [row(1, 3 * TILE)], undefined, 2)
    const steps: number[] = []
    let [last = 0] = xs(motion.move(first, 0))
    for (let now_ms = 5; now_ms <= 800; now_ms += 5) {
      const [x = 0] = xs(motion.move(now_ms < 200 ? first : second, now_ms))
      steps.push(x - last)
      last = x
    }
    expect(last).toBe(3 * TILE)
    const kinks = steps.map((step, at) => Math.abs(step - (steps[at - 1] ?? step)))
    // From one five milliseconds to the next, in units; a path that begins anew has kinks of 8.
    expect(Math.max(...kinks)).toBeLessThan(1)
  })

  test('our own figure is where it belongs sooner than others', () => {
    const place = (me: number) => {
      const motion = new Motion(MEASURES)
      const at = (x: number, correction: number) =>
        look(5, 0, [row(7, x, 0, KIND.player)], undefined, correction, viewOf(1, me))
      motion.move(at(0, 0), 0)
      motion.move(at(TILE / 4, 1), 10)
      return xs(motion.move(at(TILE / 4, 1), 70))[0] ?? 0
    }
    expect(place(7)).toBeGreaterThan(place(8) * 1.25)
  })

  test('time that has passed is no correction', () => {
    const motion = new Motion(MEASURES)
    motion.move(look(5, 0.9, [row(1, 1_000)], [row(1, 1_100)]), 90)
    expect(xs(motion.move(look(6, 0.1, [row(1, 1_100)], [row(1, 1_200)], 1), 110))[0]).toBeCloseTo(1_110)
  })

  test('what is very far away is cut: it fades out where it was and in where it is', () => {
    const motion = new Motion(MEASURES)
    const near = look(5, 0.5, [row(1, 1_000)], [row(1, 11_000)])
    motion.move(near, 50)
    expect(xs(motion.move(near, 1_000))).toEqual([1_000])
    const far = look(6, 0, [row(1, 11_000)], undefined, 1)
    motion.move(far, 2_000)
    const half = [...motion.move(far, 2_000 + FADE_MS / 2)].map(({ state, x, opacity }) => [state, x, opacity])
    expect(half).toEqual([
      ['cut', 1_000, 0.5],
      ['here', 11_000, 0.5],
    ])
    expect([...motion.move(far, 2_000 + FADE_MS)].map(({ x, opacity }) => [x, opacity])).toEqual([[11_000, 1]])
  })

  test('a zombie that vanishes while the match goes on was felled; in another match everything is another', () => {
    const motion = new Motion(MEASURES)
    const states = (things: Iterable<Thing>) => [...things].map(({ state, id }) => [state, id])
    const two = look(5, 0, [row(1, 0), row(2, 0)], undefined, 0, viewOf(1))
    motion.move(two, 0)
    motion.move(two, 900)
    expect(states(motion.move(look(6, 0, [row(2, 0)], undefined, 0, viewOf(1)), 1_000))).toEqual([
      ['felled', 1],
      ['here', 2],
    ])
    expect(states(motion.move(look(7, 0, [row(3, 0)], undefined, 0, viewOf(2)), 2_000))).toEqual([
      ['cut', 2],
      ['here', 3],
    ])
  })

  test('a figure and a zombie of the same number are two things, and who is gone is gone', () => {
    const motion = new Motion(MEASURES)
    const both = [row(0, 10), row(0, 20, 0, KIND.player)]
    const seen = [...motion.move(look(1, 0, both), 0)]
    expect(seen.map(({ kind, x }) => [kind, x])).toEqual([
      [KIND.zombie, 10],
      [KIND.player, 20],
    ])
    expect(xs(motion.move(look(2, 0, [row(0, 12)]), 100))).toEqual([12])
    expect([...motion.move(look(2, 0, [row(0, 12)]), 100 + FADE_MS)]).toHaveLength(1)
  })

  test('a turn takes the shorter way', () => {
    const motion = new Motion(MEASURES)
    motion.move(look(1, 0, [row(1, 0, 0, KIND.zombie, 30)]), 0)
    const to = look(2, 0, [row(1, 0, 0, KIND.zombie, 2)])
    const facings: number[] = []
    for (let now_ms = 16; now_ms <= 700; now_ms += 16) {
      for (const { facing } of motion.move(to, now_ms)) facings.push(facing)
    }
    expect(facings.every((facing) => facing >= 30 || facing <= 2)).toBe(true)
    expect(facings.at(-1)).toBeCloseTo(2, 1)
    expect(facings[0]).toBeGreaterThan(30)
  })
})

/** The frames of a page at 60 frames a second, without a clock. */
const FRAME_MS = 1_000 / 60
const TICK_MS = 100
/** A survivor's steps, in units per tick. */
const STEP = 96
/** 3.75 tiles a second. */
const WALK = (STEP * 1_000) / TICK_MS

/**
 * What a page sees of others who turn whenever they like: their true paths are known to the page
 * only when a frame brings them, `late_ms` after it was made; until then they go on as they did.
 */
class Stream {
  readonly #true: { x: number; y: number; dx: number; dy: number }[][] = []
  #random = 12_345
  #known = 0
  #correction = 0
  #look: Look | null = null
  #lookKey = ''
  readonly #arrivals: { at_ms: number; tick: number }[] = []

  /** Frames are made twice a second; none arrives between `silent_ms[0]` and `[1]`. */
  constructor(ticks: number, figures: number, silent_ms: readonly [number, number] = [0, 0]) {
    let all = Array.from({ length: figures }, (_, id) => ({ x: 8_000 + id * 300, y: 8_000, dx: 0, dy: 0 }))
    for (let tick = 0; tick < ticks; tick += 1) {
      this.#true.push(all)
      all = all.map(({ x, y, dx, dy }) => {
        const angle = this.#next() * 2 * Math.PI
        const turns = this.#next() < 0.12
        const [toX, toY] = turns ? [Math.cos(angle) * STEP, Math.sin(angle) * STEP] : [dx, dy]
        return { x: x + toX, y: y + toY, dx: toX, dy: toY }
      })
      const at_ms = tick * TICK_MS + 200 + this.#next() * 200
      const late = at_ms >= silent_ms[0] && at_ms < silent_ms[1] ? silent_ms[1] : at_ms
      if (tick % 5 === 0) this.#arrivals.push({ at_ms: late, tick })
    }
  }

  at(now_ms: number): Look {
    for (const { at_ms, tick } of this.#arrivals) {
      if (at_ms > now_ms || tick <= this.#known) continue
      this.#known = tick
      this.#correction += 1
    }
    const tick = Math.floor(now_ms / TICK_MS)
    const fraction = now_ms / TICK_MS - tick
    const key = `${tick} ${this.#correction}`
    if (key !== this.#lookKey || !this.#look) {
      this.#look = look(tick, fraction, this.#rows(tick), this.#rows(tick + 1), this.#correction, viewOf(1))
      this.#lookKey = key
    }
    return { ...this.#look, fraction }
  }

  /** As predicted from the newest known tick. */
  #rows(tick: number): number[][] {
    const ticks = tick - this.#known
    return (this.#true[this.#known] ?? []).map(({ x, y, dx, dy }, id) =>
      row(id, Math.round(x + dx * ticks), Math.round(y + dy * ticks), KIND.player),
    )
  }

  #next(): number {
    this.#random = (Math.imul(this.#random, 1_103_515_245) + 12_345) & 0x7fffffff
    return this.#random / 0x80000000
  }
}

interface Drawn {
  /** The fastest that anything was drawn, as a multiple of walking speed, and the farthest in a frame, in tiles. */
  fastest: number
  farthest: number
  /** The same of the rules' own places, which nobody sees. */
  predictedFarthest: number
  cuts: number
}

function draw(stream: Stream, from_ms: number, to_ms: number, motion = new Motion(MEASURES)): Drawn {
  const drawn = { fastest: 0, farthest: 0, predictedFarthest: 0, cuts: 0 }
  const last = new Map<number, [number, number]>()
  const predicted = new Map<number, [number, number]>()
  for (let now_ms = from_ms; now_ms < to_ms; now_ms += FRAME_MS) {
    const now = stream.at(now_ms)
    for (const { id, x, y, state } of motion.move(now, now_ms)) {
      if (state !== 'here') {
        drawn.cuts += 1
        continue
      }
      const [fromX, fromY] = last.get(id) ?? [x, y]
      const units = Math.hypot(x - fromX, y - fromY)
      drawn.farthest = Math.max(drawn.farthest, units / TILE)
      drawn.fastest = Math.max(drawn.fastest, (units * 1_000) / FRAME_MS / WALK)
      last.set(id, [x, y])
    }
    for (let at = 0; at < now.rows.length; at += STRIDE) {
      const [id = 0, x = 0, y = 0] = now.rows.subarray(at + SPRITE.id, at + SPRITE.y + 1)
      const [fromX, fromY] = predicted.get(id) ?? [x, y]
      drawn.predictedFarthest = Math.max(drawn.predictedFarthest, Math.hypot(x - fromX, y - fromY) / TILE)
      predicted.set(id, [x, y])
    }
  }
  return drawn
}

describe('smoothness', () => {
  test('with 2 frames a second, 300 ± 100 ms late, nothing jumps and nobody is drawn faster than 6 times walking', () => {
    const { fastest, farthest, predictedFarthest, cuts } = draw(new Stream(650, 30), 1_000, 60_000)
    // What is hidden: without gliding it would be seen.
    expect(predictedFarthest).toBeGreaterThan(2)
    expect(farthest).toBeLessThan(0.4)
    expect(fastest).toBeLessThan(6)
    expect(cuts).toBe(0)
  })

  test('after 5 s of silence the way from the old place to the new one is seen', () => {
    const silence = [10_000, 15_000] as const
    const motion = new Motion(MEASURES)
    const stream = new Stream(300, 30, silence)
    draw(stream, 1_000, silence[1] - FRAME_MS, motion)
    const { farthest, predictedFarthest, fastest, cuts } = draw(stream, silence[1] - FRAME_MS, 17_000, motion)
    expect(predictedFarthest).toBeGreaterThan(12)
    // A way of twelve tiles and more is seen over two dozen frames at least.
    expect(farthest).toBeLessThan(predictedFarthest / 20)
    expect(fastest).toBeLessThan(27)
    expect(cuts).toBe(0)
  })
})
