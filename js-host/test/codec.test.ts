/** Postcard: known bytes, round trips, and what is refused. */

import { describe, expect, test } from 'vitest'
import {
  bool,
  bytes,
  type Codec,
  CodecError,
  decode,
  encode,
  fixed,
  list,
  names,
  option,
  struct,
  text,
  u16,
  u32,
  u64,
  variants,
} from '../src/codec'

const hex = (value: Uint8Array) => Buffer.from(value).toString('hex')
const raw = (value: string) => new Uint8Array(Buffer.from(value, 'hex'))

describe('integers', () => {
  test.each([
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [65_535, 'ffff03'],
    [2 ** 31, '8080808008'],
    [2 ** 32 + 1, '8180808010'],
    [Number.MAX_SAFE_INTEGER, 'ffffffffffffff0f'],
  ])('%d is %s', (value, encoded) => {
    expect(hex(encode(u64, value))).toBe(encoded)
    expect(decode(u64, raw(encoded))).toBe(value)
  })

  test.each(['8080808080808010', 'ffffffffffffffffff01', 'ffffffffffffffffffff01', '808080808080808080808000'])(
    '%s is refused: a number cannot hold it',
    (encoded) => expect(() => decode(u64, raw(encoded))).toThrow(CodecError),
  )

  test.each([-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY])('%d is not written', (value) => {
    expect(() => encode(u64, value)).toThrow(CodecError)
  })

  test('a narrower integer keeps its range, both ways', () => {
    expect(() => encode(u16, 65_536)).toThrow(CodecError)
    expect(() => decode(u16, encode(u64, 65_536))).toThrow(CodecError)
    expect(() => encode(u32, 2 ** 32)).toThrow(CodecError)
    expect(() => decode(u32, encode(u64, 2 ** 32))).toThrow(CodecError)
    expect(decode(u32, encode(u32, 2 ** 32 - 1))).toBe(2 ** 32 - 1)
  })
})

type Shape = { tag: 'dot' } | { tag: 'line'; to: number; name: string | null } | { tag: 'many'; all: Uint8Array[] }
const shape: Codec<Shape> = variants<Shape>({
  dot: {},
  line: { to: u64, name: option(text) },
  many: { all: list(bytes) },
})

describe('composites', () => {
  test.each<[string, Shape, string]>([
    ['an empty variant', { tag: 'dot' }, '00'],
    ['fields and something', { tag: 'line', to: 300, name: 'é' }, '01ac020102c3a9'],
    ['fields and nothing', { tag: 'line', to: 0, name: null }, '010000'],
    ['a list', { tag: 'many', all: [raw('ff'), raw('')] }, '020201ff00'],
  ])('%s', (_, value, encoded) => {
    expect(hex(encode(shape, value))).toBe(encoded)
    expect(decode(shape, raw(encoded))).toEqual(value)
  })

  test('a struct is its fields, a fixed array its bytes, a bool one byte', () => {
    const codec = struct({ id: fixed(2), on: bool, content: names('a', 'b') })
    expect(hex(encode(codec, { id: raw('abcd'), on: true, content: 'b' }))).toBe('abcd0101')
    expect(decode(codec, raw('abcd0000'))).toEqual({ id: raw('abcd'), on: false, content: 'a' })
    expect(() => encode(fixed(2), raw('ab'))).toThrow(CodecError)
  })
})

describe('refused', () => {
  test.each<[string, Codec<unknown>, string]>([
    ['nothing at all', u64, ''],
    ['a cut integer', u64, '80'],
    ['cut bytes', bytes, '03ffff'],
    ['a length of 2^28 before two bytes', bytes, '808080800100ff'],
    ['a count of 2^28 before two bytes', list(u64), '808080800100ff'],
    ['bytes left over', u64, '0000'],
    ['a flag that is neither', bool, '02'],
    ['an option that is neither', option(u64), '0200'],
    ['a variant that is not', shape, '03'],
    ['a name that is not', names('a'), '01'],
    ['text that is not UTF-8', text, '01ff'],
    ['text with a surrogate', text, '03eda080'],
  ])('%s', (_, codec, encoded) => {
    expect(() => decode(codec, raw(encoded))).toThrow(CodecError)
  })

  test('every cut of a valid value', () => {
    const whole = encode(shape, { tag: 'many', all: [raw('010203'), raw('04')] })
    for (let length = 0; length < whole.length; length++) {
      expect(() => decode(shape, whole.subarray(0, length))).toThrow(CodecError)
    }
  })

  test('a lone surrogate is not written', () => {
    expect(() => encode(text, '\ud800')).toThrow(CodecError)
  })
})

test('what was read is a copy', () => {
  const memory = raw('02abcd')
  const value = decode(bytes, memory)
  memory.fill(0)
  expect(hex(value)).toBe('abcd')
})

test('a byte order mark in text is text', () => {
  expect(decode(text, encode(text, '\ufeffa'))).toBe('\ufeffa')
})
