/** What players wear: nothing that means something else on the field. */

import { expect, test } from 'vitest'
import { LOOKS, shapeOf, VESTS } from './looks'
import { INK } from './palette'

/** Red, green and blue, from 0 to 1, as light. */
function lightOf(colour: string): [number, number, number] {
  const part = (at: number) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return [part(1), part(3), part(5)]
}

/** A place among colours, where equal distances look equal: Oklab, https://bottosson.github.io/posts/oklab. */
function lab(colour: string): [number, number, number] {
  const [r, g, b] = lightOf(colour)
  const [l, m, s] = [
    Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b),
    Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b),
    Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b),
  ]
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ]
}

const apart = (one: string, other: string) => Math.hypot(...lab(one).map((part, at) => part - (lab(other)[at] ?? 0)))

const MEANS = ['survivor', 'zombie', 'turned', 'sick', 'danger'] as const

test.each([...VESTS.entries()])('look %i, %s, is not taken for a side, an infection or a danger', (_, vest) => {
  for (const name of MEANS) expect(apart(vest, INK[name]), name).toBeGreaterThan(0.12)
})

test('no two looks have the same colour', () => {
  for (const [at, vest] of VESTS.entries())
    for (const other of VESTS.slice(at + 1)) expect(apart(vest, other), `${vest} ${other}`).toBeGreaterThan(0.09)
})

test('each look of the account has a shape, and one that nobody knows is drawn as the first', () => {
  expect(VESTS.map((_, look) => shapeOf(look))).toEqual(Object.keys(LOOKS))
  for (const look of [8, 255, -1]) expect(shapeOf(look)).toBe('look0')
})
