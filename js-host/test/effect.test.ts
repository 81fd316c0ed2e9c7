/** The contract with the handler: golden bytes from Rust come out as they went in. */

import { expect, test } from 'vitest'
import { type Codec, decode, encode } from '../src/codec'
import * as wire from '../src/effect'

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
        lease_ms: 200,
        framed: [5, 128],
        snapshot: null,
      },
      read: { known: { v: 300, hash: raw(ones) }, since: 2, block: 64 },
    },
    hex: ['01', 'ac02', zeros, ones, '02abcd', 'c801', '02058001', '00', 'ac02', ones, '02', '0140'],
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
