/** The limits that the host shares with the protocol are those of the protocol. */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  MAX_BATCH,
  MAX_FRAME_BYTES,
  MAX_INBOX_ITEMS,
  MAX_NAME_BYTES,
  MAX_REQUEST_BYTES,
  MAX_SNAPSHOT_BYTES,
  MAX_USER_BYTES,
  RING,
  SEGMENT,
  TAIL_MS,
} from '../src/limits'

const rust = readFileSync(new URL('../../crates/baton/src/limits.rs', import.meta.url), 'utf8')

function protocol(name: string): number {
  const expression = new RegExp(`pub const ${name}: \\w+ = ([\\d_ *]+);`).exec(rust)?.[1]
  if (!expression) throw new Error(`${name} is not in limits.rs`)
  return expression
    .split('*')
    .map((factor) => Number(factor.replaceAll('_', '')))
    .reduce((product, factor) => product * factor, 1)
}

test.each(
  Object.entries({
    MAX_REQUEST_BYTES,
    MAX_FRAME_BYTES,
    MAX_SNAPSHOT_BYTES,
    MAX_INBOX_ITEMS,
    MAX_BATCH,
    MAX_USER_BYTES,
    MAX_NAME_BYTES,
    SEGMENT,
    TAIL_MS,
  }),
)('%s', (name, value) => {
  expect(value).toBe(protocol(name))
})

test('the ring is whole segments, and holds a segment beside the newest snapshot', () => {
  expect(RING % SEGMENT).toBe(0)
  expect(RING).toBeGreaterThanOrEqual(3 * SEGMENT)
})
