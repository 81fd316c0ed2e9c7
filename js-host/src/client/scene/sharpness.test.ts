/** When the picture gets fewer pixels. */

import { expect, test } from 'vitest'
import { Sharpness } from './sharpness'

/** The ratio after so many seconds at a frame time. */
function after(sharpness: Sharpness, screen: number, frame_ms: number, seconds: number, from_ms = 0): number {
  let ratio = Number.NaN
  for (let now_ms = from_ms; now_ms < from_ms + seconds * 1_000; now_ms += frame_ms)
    ratio = sharpness.ratio(screen, now_ms)
  return ratio
}

test('a quick machine draws all the pixels of its screen, up to two', () => {
  expect([1, 1.25, 2, 3].map((screen) => after(new Sharpness(), screen, 16, 20))).toEqual([1, 1.25, 2, 2])
})

test('a slow machine draws fewer, step by step, never fewer than three quarters', () => {
  const sharpness = new Sharpness()
  expect(after(sharpness, 2, 40, 2)).toBe(2)
  expect(after(sharpness, 2, 40, 2, 2_000)).toBe(1.5)
  expect(after(sharpness, 2, 40, 60, 4_000)).toBe(0.75)
  // It stays there: a picture that goes up and down is worse.
  expect(after(sharpness, 2, 16, 10, 64_000)).toBe(0.75)
})

test('a step that changes nothing is none', () => {
  expect(after(new Sharpness(), 1, 40, 4)).toBe(0.75)
})

test('a page that was hidden was not slow', () => {
  expect(after(new Sharpness(), 2, 1_000, 300)).toBe(2)
})
