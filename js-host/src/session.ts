/**
 * Who is asking: guests, in tokens that the host signs. Decides what a token is, how long it lives,
 * and which keys count. Must not know what a user may do.
 *
 * A token is `<key id>.<payload>.<mac>`: the payload is base64url of JSON, the mac HMAC-SHA-256 over
 * `baton.session.v1.<key id>.<payload>`. There is one algorithm, and nothing in a token chooses it.
 * The key id only says which of the host's own keys to verify with. Verification is WebCrypto's, in
 * constant time; no secret is ever compared here.
 */

import * as v from 'valibot'
import { fromBase64Url, toBase64Url } from './base64'
import type { Identity } from './effect'
import { Refused } from './errors'
import { MAX_NAME_BYTES, MAX_USER_BYTES } from './limits'
import { guestName } from './names'

const DAY_MS = 24 * 60 * 60 * 1000
/** How long a token lives, in milliseconds. A page renews it long before. */
export const TOKEN_MS = 30 * DAY_MS
/** How long after its end it can still be renewed: a guest has nothing else by which to come back to an account. */
export const LATE_MS = 365 * DAY_MS
/** Length of a token, at most. */
const MAX_TOKEN_LENGTH = 1024
/** Verified tokens that are remembered, at most. */
const MAX_GENUINE = 10_000
/** What the mac covers before the token itself, so that no other use of the keys makes a session. */
const CONTEXT = 'baton.session.v1.'
const KEY_BYTES = 32

const algorithm = { name: 'HMAC', hash: 'SHA-256' } as const

const Payload = v.strictObject({
  user: v.pipe(v.string(), v.minBytes(1), v.maxBytes(MAX_USER_BYTES)),
  name: v.pipe(v.string(), v.minBytes(1), v.maxBytes(MAX_NAME_BYTES)),
  /** For whom the token is. */
  audience: v.string(),
  /** When it ends, in milliseconds since 1970. */
  expires_ms: v.pipe(v.number(), v.safeInteger()),
})

/** A signed session, as `POST /api/session` answers it. */
export interface Session extends Identity {
  token: string
  expires_ms: number
}

/** A key that is not as the settings describe it. Does not contain the key. */
export class KeyError extends Error {
  override readonly name = 'KeyError'
}

/** What signs and verifies sessions. */
export class Sessions {
  readonly #keys: Map<string, CryptoKey>
  /** Tokens that were verified: a page sends the same one with every request. */
  readonly #genuine = new Map<string, v.InferOutput<typeof Payload>>()
  readonly #signer: string
  readonly #audience: string
  readonly #now: () => number

  private constructor(keys: Map<string, CryptoKey>, signer: string, audience: string, now: () => number) {
    this.#keys = keys
    this.#signer = signer
    this.#audience = audience
    this.#now = now
  }

  /**
   * `keys`: `<id>:<base64url of 32 bytes>[,<older id>:…]`. The first signs, all verify.
   * `audience`: tokens for another are refused. @throws KeyError
   */
  static async open(keys: string, audience: string, now: () => number = Date.now): Promise<Sessions> {
    const ring = new Map<string, CryptoKey>()
    for (const entry of keys.split(',')) {
      const [, id, secret] = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9_-]+)$/.exec(entry.trim()) ?? []
      if (id === undefined || secret === undefined) throw new KeyError('a key is not <id>:<base64url>')
      if (ring.has(id)) throw new KeyError('two keys have one id')
      const raw = fromBase64Url(secret)
      if (raw?.length !== KEY_BYTES) throw new KeyError(`a key is not ${KEY_BYTES} bytes`)
      ring.set(id, await crypto.subtle.importKey('raw', raw, algorithm, false, ['sign', 'verify']))
    }
    const [signer] = ring.keys()
    if (signer === undefined) throw new KeyError('there is no key')
    return new Sessions(ring, signer, audience, now)
  }

  /** A new guest: a random user id and a readable name. */
  guest(): Promise<Session> {
    const user = `g_${toBase64Url(crypto.getRandomValues(new Uint8Array(16)))}`
    return this.#sign({ user, name: guestName() })
  }

  /**
   * The same user with a token that lives longer, signed with the newest key; also if this one ended, but for no longer than
   * `LATE_MS`. @throws Refused `unauthorized`
   */
  async renew(token: string): Promise<Session> {
    return this.#sign(await this.#who(token, LATE_MS))
  }

  /** Whose token this is. @throws Refused `unauthorized`, whatever is wrong with it */
  verify(token: string): Promise<Identity> {
    return this.#who(token, 0)
  }

  async #who(token: string, late_ms: number): Promise<Identity> {
    const claims = this.#genuine.get(token) ?? (await this.#check(token))
    if (claims.expires_ms + late_ms <= this.#now()) throw new Refused('unauthorized')
    return { user: claims.user, name: claims.name }
  }

  /** The claims of a token that we signed for ourselves. @throws Refused `unauthorized` */
  async #check(token: string): Promise<v.InferOutput<typeof Payload>> {
    const [id, payload, mac, ...more] = token.length > MAX_TOKEN_LENGTH ? [] : token.split('.')
    const key = this.#keys.get(id ?? '')
    const signature = fromBase64Url(mac ?? '')
    if (!key || !signature || payload === undefined || more.length > 0) throw new Refused('unauthorized')
    const genuine = await crypto.subtle.verify(algorithm, key, signature, covered(`${id}.${payload}`))
    const claims = genuine ? parse(payload) : null
    if (!claims || claims.audience !== this.#audience) throw new Refused('unauthorized')
    const [oldest] = this.#genuine.keys()
    if (this.#genuine.size >= MAX_GENUINE && oldest !== undefined) this.#genuine.delete(oldest)
    this.#genuine.set(token, claims)
    return claims
  }

  async #sign(who: Identity): Promise<Session> {
    const expires_ms = this.#now() + TOKEN_MS
    const claims: v.InferOutput<typeof Payload> = { ...who, audience: this.#audience, expires_ms }
    const signed = `${this.#signer}.${toBase64Url(new TextEncoder().encode(JSON.stringify(claims)))}`
    // The signer is a key of the map: `open` took it from there.
    const key = this.#keys.get(this.#signer) as CryptoKey
    const mac = await crypto.subtle.sign(algorithm, key, covered(signed))
    return { token: `${signed}.${toBase64Url(new Uint8Array(mac))}`, user: who.user, name: who.name, expires_ms }
  }
}

function covered(signed: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(CONTEXT + signed))
}

/** The claims of a payload that was signed by us; null if it is of a shape that we never sign. */
function parse(payload: string): v.InferOutput<typeof Payload> | null {
  const raw = fromBase64Url(payload)
  if (!raw) return null
  try {
    const parsed = v.safeParse(Payload, JSON.parse(new TextDecoder().decode(raw)))
    return parsed.success ? parsed.output : null
  } catch {
    return null
  }
}
