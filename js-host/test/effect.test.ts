/** The contract with the handler: golden bytes from Rust come out as they went in. */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { order, ordered } from '../../tests/e2e/wire'
import { type Codec, decode, encode } from '../src/codec'
import * as wire from '../src/effect'
import { parcel } from '../src/operator'
import * as keys from '../src/stores/slots'

const zeros = '00'.repeat(16)
const ones = '11'.repeat(16)
const raw = (value: string) => new Uint8Array(Buffer.from(value, 'hex'))

interface Example {
  name: string
  codec: Codec<unknown>
  value: unknown
  /** Field by field, as the format has it. */
  hex: string[]
}

const byHand: Example[] = [
  {
    name: 'a read of an empty room',
    codec: wire.effect as Codec<unknown>,
    value: { tag: 'read', read: { known: wire.nothing(), since: 0, block: null } },
    hex: ['00', '00', zeros, '00', '00'],
  },
  {
    name: 'an append',
    codec: wire.effect as Codec<unknown>,
    value: {
      tag: 'append',
      append: {
        v: 300,
        previous: raw(zeros),
        hash: raw(ones),
        frame: raw('abcd'),
        published: raw('ef'),
        lease_ms: 200,
        framed: [5, 128],
        snapshot: null,
        note: null,
      },
      read: { known: { v: 300, hash: raw(ones) }, since: 2, block: 64 },
    },
    hex: ['01', 'ac02', zeros, ones, '02abcd', '01ef', 'c801', '02058001', '00', '00', 'ac02', ones, '02', '0140'],
  },
  {
    name: 'a reply',
    codec: wire.effect as Codec<unknown>,
    value: { tag: 'reply', outcomes: [{ status: 404, content: 'json', body: raw('7b7d') }] },
    hex: ['03', '01', '9403', '01', '027b7d'],
  },
  { name: 'a failure', codec: wire.fed as Codec<unknown>, value: { tag: 'failed' }, hex: ['04'] },
  {
    name: 'arrivals',
    codec: wire.arrivals as Codec<unknown>,
    value: [
      { who: { user: 'u', name: 'n' }, call: { tag: 'play', request: raw('01') } },
      { who: null, call: { tag: 'watch' } },
    ],
    hex: ['02', '01', '0175', '016e', '00', '0101', '00', '03'],
  },
]

test.each(byHand)('$name is written as worked out by hand', ({ codec, value, hex }) => {
  expect(Buffer.from(encode(codec, value)).toString('hex')).toBe(hex.join(''))
  expect(decode(codec, raw(hex.join('')))).toEqual(value)
})

interface Vector {
  name: string
  hex: string
  value: unknown
}

const golden: { vectors: Vector[] } = JSON.parse(
  readFileSync(new URL('../../tests/golden/wire.json', import.meta.url), 'utf8'),
)
/** What the host reads of the wire; the rest it passes on. */
const CODECS: [RegExp, Codec<unknown>][] = [
  [/^effect /, wire.effect as Codec<unknown>],
  [/^fed /, wire.fed as Codec<unknown>],
  [/^arrivals/, wire.arrivals as Codec<unknown>],
  [/^parcel$/, parcel as Codec<unknown>],
  [/^order$/, order as Codec<unknown>],
  [/^ordered /, ordered as Codec<unknown>],
  [/^step of/, keys.step as Codec<unknown>],
  [/^answers/, keys.answers as Codec<unknown>],
]
const vectors = golden.vectors.flatMap((vector) => {
  const codec = CODECS.find(([name]) => name.test(vector.name))?.[1]
  return codec ? [{ ...vector, codec }] : []
})

/** Numbers, flags, texts and nothings of a value, in no order: Rust's JSON names and sorts its fields otherwise. */
function leaves(value: unknown): string[] {
  if (value instanceof Uint8Array) return leaves([...value])
  if (typeof value !== 'object' || value === null) return [JSON.stringify(value)]
  const inner = Object.entries(value).filter(([name]) => name !== 'tag' && name !== 'content')
  return inner.flatMap(([, each]) => leaves(each)).sort()
}

/** What Rust's JSON says of enums without fields. */
const UNITS = new Set(
  ['Failed', 'View', 'Watch', 'Tail', 'Snapshot', 'Done', 'Refused', 'Nil', 'WrongType'].map((name) => `"${name}"`),
)

test('there are golden bytes of every effect and result', () => {
  expect(vectors.length).toBeGreaterThanOrEqual(15)
})

test.each(vectors)('golden: $name', ({ hex, value, codec }) => {
  const decoded = decode(codec, raw(hex))
  expect(Buffer.from(encode(codec, decoded)).toString('hex')).toBe(hex)
  expect(leaves(decoded)).toEqual(leaves(value).filter((leaf) => !UNITS.has(leaf)))
})
