/** Motion between ticks, and how corrections of the prediction are hidden. */

import { describe, expect, test } from 'vitest'
import { KIND, type Measures } from './game'
import { Motion, type Thing } from './motion'
import type { Look } from './room'

const MEASURES: Measures = { tile: 256, width: 24_576, height: 16_384, angles: 32, stride: 7, health: 100, reach: 192 }

function row(id: number, x: number, y = 0, kind: number = KIND.zombie): number[] {
  return [kind, id, x, y, 0, 1, 0]
}

function look(tick: number, fraction: number, rows: number[][], ahead = rows, correction = 0): Look {
  const flat = (some: number[][]) => Int32Array.from(some.flat())
  return { tick, fraction, correction, rows: flat(rows), ahead: flat(ahead), view: null }
}

function xs(things: Iterable<Thing>): number[] {
  return [...things].map(({ x }) => x)
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

  test('a correction is hidden within 150 ms, and motion goes on meanwhile', () => {
    const motion = new Motion(MEASURES)
    motion.move(look(5, 0.5, [row(1, 1_000)], [row(1, 1_100)]), 50)
    const corrected = (part: number) => look(5, part, [row(1, 1_300)], [row(1, 1_300)], 1)
    const [first = 0] = xs(motion.move(corrected(0.5), 50))
    // Where it was drawn, not where it is.
    expect(first).toBeCloseTo(1_050)
    const drawn = [66, 82, 98, 130, 180, 250, 400].map((now_ms) => xs(motion.move(corrected(0.5), now_ms))[0] ?? 0)
    expect(drawn.every((x, at) => x > (drawn[at - 1] ?? first))).toBe(true)
    expect(drawn.at(-1)).toBeCloseTo(1_300, 0)
  })

  test('time that has passed is no correction', () => {
    const motion = new Motion(MEASURES)
    motion.move(look(5, 0.9, [row(1, 1_000)], [row(1, 1_100)]), 90)
    expect(xs(motion.move(look(6, 0.1, [row(1, 1_100)], [row(1, 1_200)], 1), 110))[0]).toBeCloseTo(1_110)
  })

  test('what is far away in the next tick did not walk there', () => {
    const motion = new Motion(MEASURES)
    expect(xs(motion.move(look(5, 0.5, [row(1, 1_000)], [row(1, 9_000)]), 50))).toEqual([1_000])
    expect(xs(motion.move(look(6, 0, [row(1, 9_000)], [row(1, 9_000)], 1), 100))).toEqual([9_000])
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
  })
})
