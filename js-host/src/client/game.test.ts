/** The codes of refusals, as the wasm returns them. */

import { expect, test } from 'vitest'
import { refusalOf, verdictOf } from './game'

test('an answer is accepted, refused by the rules, or too old to tell', () => {
  expect(verdictOf(0)).toEqual({ accepted: true })
  expect([1, 2, 3, 6, 0xff00, 999, null].map(verdictOf)).toEqual(
    ['not_playing', 'out', 'bad_angle', 'no_figure', 'malformed', 'other', 'old'].map((code) => ({
      accepted: false,
      code,
    })),
  )
})

test('an action that is not taken says why', () => {
  expect([-1, -2, -1_001, -1_002, -1_003].map(refusalOf)).toEqual(
    ['joining', 'full', 'not_playing', 'out', 'bad_angle'].map((code) => ({ accepted: false, code })),
  )
})
