/**
 * Bodies of requests, within their limits: counted while they stream in, never decompressed, JSON
 * looked at before it is parsed. Must not know what a body means.
 */

import { Refused } from './errors'
import { MAX_JSON_BYTES, MAX_JSON_DEPTH } from './limits'

/**
 * A body of one content type, at most `limit` bytes.
 * @throws Refused `media_type`, `too_large`; the rest of the body is not read
 */
export async function readBody(request: Request, type: string, limit: number): Promise<Uint8Array> {
  const said = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  const encoding = request.headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity'
  if (said !== type || encoding !== 'identity') throw new Refused('media_type')
  // What the header says may refuse a body, never admit one.
  const announced = request.headers.get('content-length')
  if (Number(announced ?? 0) > limit) throw new Refused('too_large')
  if (!request.body) return new Uint8Array()
  // A length that was announced is what HTTP delivers; without one the body is counted while it comes.
  if (announced !== null) {
    const body = new Uint8Array(await request.arrayBuffer())
    if (body.length > limit) throw new Refused('too_large')
    return body
  }
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader()
  const parts: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    length += value.length
    if (length > limit) {
      // Nobody waits for this: a client that goes on sending is cut off.
      reader.cancel().catch(() => {})
      throw new Refused('too_large')
    }
    parts.push(value)
  }
  return joined(parts, length)
}

/** A JSON object as a request carries it. @throws Refused `media_type`, `too_large`, `malformed` */
export async function readJson(request: Request): Promise<unknown> {
  const raw = await readBody(request, 'application/json', MAX_JSON_BYTES)
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw)
    return parseStrictly(text)
  } catch {
    throw new Refused('malformed')
  }
}

/**
 * Parses JSON that nests at most {@link MAX_JSON_DEPTH} deep and repeats no key: `JSON.parse` would
 * take the last of two, another parser the first. @throws SyntaxError
 */
export function parseStrictly(text: string): unknown {
  const strings = /"(?:[^"\\]|\\.)*"/gs
  const bare = text.replace(strings, '')
  let depth = 0
  let colons = 0
  for (const char of bare) {
    if (char === '{' || char === '[') depth += 1
    if (char === '}' || char === ']') depth -= 1
    if (char === ':') colons += 1
    if (depth > MAX_JSON_DEPTH) throw new SyntaxError('too deep')
  }
  const value: unknown = JSON.parse(text)
  if (keysOf(value) !== colons) throw new SyntaxError('a key is repeated')
  return value
}

function keysOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const inner = Object.values(value)
  return inner.reduce((sum: number, each) => sum + keysOf(each), Array.isArray(value) ? 0 : inner.length)
}

function joined(parts: Uint8Array[], length: number): Uint8Array {
  const [only] = parts
  if (parts.length === 1 && only) return only
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
