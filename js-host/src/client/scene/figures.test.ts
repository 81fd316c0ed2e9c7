/** Who is drawn as what: our own figure in what we wear, everybody else in the jacket of their side. */

import { expect, test } from 'vitest'
import { MEASURES } from '../gallery/states'
import { FLAG, KIND } from '../game'
import type { Thing } from '../motion'
import { Figures } from './figures'
import type { Layers } from './layers'

/** The shapes that are put for a figure, where a tile has so many pixels. */
function drawn(look: number, own: boolean, flags = 0, scale = 40): Set<string> {
  const put = new Set<string>()
  const batch = { put: (shape: string) => void put.add(shape) }
  const layers = {
    ...{ ground: batch, figures: batch, glow: batch, marks: batch },
    shapes: new Proxy({}, { get: (_, name) => name }),
    camera: { sees: () => true, scale },
    ...{ calm: true, now_ms: 0 },
  } as unknown as Layers
  const thing = {
    ...{ kind: KIND.player, id: 1, x: 0, y: 0, facing: 0, health: MEASURES.health, flags, extra: 0 },
    ...{ state: 'here', opacity: 1, walked: 0, pace: 0 },
  } as unknown as Thing
  const figures = new Figures(MEASURES)
  figures.look = look
  figures.draw(thing, null, layers, own, false)
  return put
}

const bodies = (put: Set<string>) => [...put].filter((name) => /^(look\d|survivor|turned)$/.test(name))

test.each([0, 1, 2, 3, 4, 5, 6, 7])('look %i is worn by our own figure alone, near and far', (look) => {
  for (const scale of [40, 5]) {
    expect(bodies(drawn(look, true, 0, scale))).toEqual([`look${look}`])
    expect(bodies(drawn(look, false, 0, scale))).toEqual(['survivor'])
  }
  // What tells us from others stays: the ring and white sleeves.
  expect([...drawn(look, true)]).toEqual(expect.arrayContaining(['halo', 'meArm']))
})

test('who has turned wears nothing any more', () => {
  expect(bodies(drawn(7, true, FLAG.turned))).toEqual(['turned'])
})
