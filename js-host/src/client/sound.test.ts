/** Sound where there is none. */

import { expect, test } from 'vitest'
import { Sounds } from './sound'

test('it is off until it is asked for, and a browser without audio plays in silence', () => {
  // Node has no AudioContext, as some embedded browsers have none.
  expect('AudioContext' in globalThis).toBe(false)
  const sounds = new Sounds()
  expect(sounds.on).toBe(false)
  sounds.on = true
  expect(sounds.on).toBe(true)
  const ground = { terrain: new Uint8Array(), terrainOf: 0 }
  const empty = { rows: new Int32Array(), ahead: new Int32Array(), view: null, ...ground }
  expect(() => sounds.hear(null, { tick: 1, fraction: 0, correction: 0, ...empty })).not.toThrow()
  sounds.on = false
  expect(sounds.on).toBe(false)
})
