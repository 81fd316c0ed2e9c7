/**
 * Postcard, the part of it that the contract with the handler uses: varints, raw byte arrays, byte
 * strings, options, lists, structs, enums. Decides what is refused: bytes that are cut, left over,
 * or longer inside than the input, and integers above 2^53 - 1, which a JavaScript number cannot
 * hold. Must not know what the values mean.
 *
 * The format: https://postcard.jamesmunns.com/wire-format.
 */

/** The bytes are not what they should be. Nothing was changed. */
export class CodecError extends Error {
  override readonly name = 'CodecError'
}

/** How a type is written and read. */
export interface Codec<T> {
  write(out: Writer, value: T): void
  read(from: Reader): T
}

/** The type that a codec carries. */
export type Carried<C> = C extends Codec<infer T> ? T : never

/** Bytes that grow. */
export class Writer {
  #bytes = new Uint8Array(256)
  #length = 0

  byte(value: number): void {
    this.#room(1)
    this.#bytes[this.#length++] = value
  }

  raw(value: Uint8Array): void {
    this.#room(value.length)
    this.#bytes.set(value, this.#length)
    this.#length += value.length
  }

  /** An integer from 0 to 2^53 - 1, seven bits a byte, the lowest first. */
  varint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new CodecError(`not an unsigned integer: ${value}`)
    let rest = value
    while (rest > 0x7f) {
      this.byte((rest % 0x80) + 0x80)
      rest = Math.floor(rest / 0x80)
    }
    this.byte(rest)
  }

  /** What was written, as a copy of its own. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  #room(more: number): void {
    const wanted = this.#length + more
    if (wanted <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(wanted, this.#bytes.length * 2))
    larger.set(this.#bytes)
    this.#bytes = larger
  }
}

/** Bytes that are consumed. */
export class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  byte(): number {
    const value = this.#bytes[this.#at]
    if (value === undefined) throw new CodecError('cut')
    this.#at += 1
    return value
  }

  /** `length` bytes, copied: the input may be a view of a memory that changes. */
  raw(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw new CodecError('cut')
    this.#at += length
    return this.#bytes.slice(this.#at - length, this.#at)
  }

  /** An integer of at most `max`. A u64 takes at most ten bytes. */
  varint(max: number = Number.MAX_SAFE_INTEGER): number {
    let value = 0
    let scale = 1
    for (let count = 0; count < 10; count++) {
      const byte = this.byte()
      value += (byte & 0x7f) * scale
      if (value > max) throw new CodecError('integer too large')
      if (byte < 0x80) return value
      scale *= 0x80
    }
    throw new CodecError('integer too long')
  }

  /** How many items follow. Each takes a byte at least, so no length can ask for more memory than came. */
  count(): number {
    const count = this.varint()
    if (count > this.#bytes.length - this.#at) throw new CodecError('cut')
    return count
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#bytes.length - this.#at
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new CodecError('bytes left over')
  }
}

/** Encodes a value. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const out = new Writer()
  codec.write(out, value)
  return out.finish()
}

/** Decodes a value, all of the bytes. @throws CodecError */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const from = new Reader(bytes)
  const value = codec.read(from)
  from.end()
  return value
}

function unsigned(max: number): Codec<number> {
  return {
    write: (out, value) => {
      if (value > max) throw new CodecError(`above ${max}: ${value}`)
      out.varint(value)
    },
    read: (from) => from.varint(max),
  }
}

/** A u16. */
export const u16 = unsigned(0xffff)
/** A u32. */
export const u32 = unsigned(0xffff_ffff)
/** A u64 of at most 2^53 - 1. */
export const u64 = unsigned(Number.MAX_SAFE_INTEGER)

/** A bool: one byte, 0 or 1. */
export const bool: Codec<boolean> = {
  write: (out, value) => out.byte(value ? 1 : 0),
  read: (from) => flag(from),
}

/** Bytes after their length. */
export const bytes: Codec<Uint8Array> = {
  write: (out, value) => {
    out.varint(value.length)
    out.raw(value)
  },
  read: (from) => from.raw(from.count()),
}

const utf8 = { encoder: new TextEncoder(), decoder: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }) }

/** UTF-8 after its length. */
export const text: Codec<string> = {
  write: (out, value) => {
    if (!value.isWellFormed()) throw new CodecError('not well-formed text')
    bytes.write(out, utf8.encoder.encode(value))
  },
  read: (from) => {
    const raw = bytes.read(from)
    try {
      return utf8.decoder.decode(raw)
    } catch {
      throw new CodecError('not UTF-8')
    }
  },
}

/** Exactly `length` bytes, without a length. */
export function fixed(length: number): Codec<Uint8Array> {
  return {
    write: (out, value) => {
      if (value.length !== length) throw new CodecError(`not ${length} bytes but ${value.length}`)
      out.raw(value)
    },
    read: (from) => from.raw(length),
  }
}

/** A value or nothing. */
export function option<T>(inner: Codec<T>): Codec<T | null> {
  return {
    write: (out, value) => {
      out.byte(value === null ? 0 : 1)
      if (value !== null) inner.write(out, value)
    },
    read: (from) => (flag(from) ? inner.read(from) : null),
  }
}

/** Values after their number. */
export function list<T>(inner: Codec<T>): Codec<T[]> {
  return {
    write: (out, values) => {
      out.varint(values.length)
      for (const value of values) inner.write(out, value)
    },
    read: (from) => {
      const values: T[] = []
      for (let left = from.count(); left > 0; left--) values.push(inner.read(from))
      return values
    },
  }
}

/** Fields in the order of `fields`. */
export function struct<T extends object>(fields: { [K in keyof T]: Codec<T[K]> }): Codec<T> {
  const names = Object.keys(fields) as (keyof T)[]
  return {
    write: (out, value) => {
      for (const name of names) fields[name].write(out, value[name])
    },
    read: (from) => {
      const value: Partial<T> = {}
      for (const name of names) value[name] = fields[name].read(from)
      // Every key of T was read just above.
      return value as T
    },
  }
}

/** The other fields of the variant of `T` with this tag. */
type Body<T extends { tag: string }, Tag extends T['tag']> = Omit<Extract<T, { tag: Tag }>, 'tag'>

/** An enum whose variants are told apart by the field `tag`; the order of `each` is the encoding. */
export function variants<T extends { tag: string }>(
  each: {
    [Tag in T['tag']]: { [K in keyof Body<T, Tag>]: Codec<Body<T, Tag>[K]> }
  },
): Codec<T> {
  const tags = Object.keys(each) as T['tag'][]
  const bodies = tags.map((tag) => struct<object>(each[tag]))
  return {
    write: (out, value) => {
      const index = tags.indexOf(value.tag)
      out.varint(index)
      bodies[index]?.write(out, value)
    },
    read: (from) => {
      const index = from.varint()
      const body = bodies[index]
      if (body === undefined) throw new CodecError('no such variant')
      // The fields of this tag were read just here.
      return { tag: tags[index], ...body.read(from) } as T
    },
  }
}

/** An enum without fields; the order of the names is the encoding. */
export function names<const N extends string>(...each: N[]): Codec<N> {
  return {
    write: (out, value) => out.varint(each.indexOf(value)),
    read: (from) => {
      const name = each[from.varint()]
      if (name === undefined) throw new CodecError('no such variant')
      return name
    },
  }
}

function flag(from: Reader): boolean {
  const byte = from.byte()
  if (byte > 1) throw new CodecError('not a flag')
  return byte === 1
}
