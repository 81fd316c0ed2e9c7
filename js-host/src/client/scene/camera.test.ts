/** What part of the field is seen. */

import { describe, expect, test } from 'vitest'
import { Camera } from './camera'

const [WIDTH, HEIGHT] = [96, 64]
const SCREENS = [
  [600, 512],
  [343, 512],
  [390, 844],
  [1_280, 800],
] as const

function settled(width: number, height: number, at: { x: number; y: number } | null, inset = 0): Camera {
  const camera = new Camera(WIDTH, HEIGHT)
  Object.assign(camera.inset, { top: inset, right: inset, bottom: inset, left: inset })
  camera.look(width, height, at, 0)
  return camera
}

describe('the camera', () => {
  test('shows 20 to 34 tiles across the shorter side, of 14 pixels at least', () => {
    for (const [width, height] of SCREENS) {
      const { scale } = settled(width, height, { x: 48, y: 32 })
      expect(scale).toBeGreaterThanOrEqual(14)
      expect(Math.min(width, height) / scale).toBeGreaterThanOrEqual(20)
      expect(Math.min(width, height) / scale).toBeLessThanOrEqual(34)
    }
  })

  test('shows the whole arena if nobody is followed', () => {
    for (const [width, height] of SCREENS) {
      const { left, top, scale } = settled(width, height, null, 20)
      expect(-left * scale).toBeGreaterThanOrEqual(20)
      expect(-top * scale).toBeGreaterThanOrEqual(20)
      expect((WIDTH - left) * scale).toBeLessThanOrEqual(width - 20)
      expect((HEIGHT - top) * scale).toBeLessThanOrEqual(height - 20)
    }
  })

  test('whoever is followed is never below the words, not even in a corner of the arena', () => {
    for (const [width, height] of SCREENS) {
      for (const [x, y] of [
        [0, 0],
        [WIDTH, HEIGHT],
        [0, HEIGHT],
        [48, 0],
        [WIDTH, 32],
      ] as const) {
        const { left, top, scale } = settled(width, height, { x, y }, 60)
        const [atX, atY] = [(x - left) * scale, (y - top) * scale]
        expect(atX).toBeGreaterThan(60)
        expect(atX).toBeLessThan(width - 60)
        expect(atY).toBeGreaterThan(60)
        expect(atY).toBeLessThan(height - 60)
      }
    }
  })

  test('follows smoothly, and cuts to what is far away', () => {
    const camera = settled(600, 512, { x: 48, y: 32 })
    const { left } = camera
    camera.look(600, 512, { x: 50, y: 32 }, 16)
    expect(camera.left - left).toBeGreaterThan(0.1)
    expect(camera.left - left).toBeLessThan(1)
    for (let now_ms = 32; now_ms < 1_000; now_ms += 16) camera.look(600, 512, { x: 50, y: 32 }, now_ms)
    expect(camera.left - left).toBeCloseTo(2, 2)
    camera.look(600, 512, { x: 20, y: 32 }, 1_016)
    expect(camera.left - left).toBeCloseTo(-28, 5)
  })

  test('sees what is on the screen, and what reaches into it', () => {
    const camera = settled(600, 512, { x: 48, y: 32 })
    const half = 300 / camera.scale
    expect(camera.sees(48 + half - 0.1, 32, 0)).toBe(true)
    expect(camera.sees(48 + half + 0.9, 32, 1)).toBe(true)
    expect(camera.sees(48 + half + 1.1, 32, 1)).toBe(false)
    expect(camera.sees(48 - half - 1.1, 32, 1)).toBe(false)
  })
})
