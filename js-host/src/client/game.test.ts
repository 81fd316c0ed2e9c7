/** The codes of refusals, as the wasm returns them. */

import { expect, test } from 'vitest'
import { refusalOf, verdictOf } from './game'

test('an answer is accepted, refused by the rules, or too old to tell', () => {
  expect(verdictOf(0)).toEqual({ accepted: true })
  expect([1, 2, 3, 6, 7, 8, 9, 10, 0xff00, 0xff01, 0xff02, 999, null].map(verdictOf)).toEqual(
    [
      ...['not_playing', 'down', 'bad_angle', 'no_figure', 'cooling', 'empty', 'no_use', 'turned'],
      ...['malformed', 'faulted', 'outdated', 'other', 'old'],
    ].map((code) => ({ accepted: false, code })),
  )
})

test('an action that is not taken says why', () => {
  expect([-1, -2, -1_001, -1_002, -1_007].map(refusalOf)).toEqual(
    ['joining', 'full', 'not_playing', 'down', 'cooling'].map((code) => ({ accepted: false, code })),
  )
})
