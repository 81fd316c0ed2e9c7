/**
 * The operator: who has the key of the settings. Decides who that is, how often they may ask, and how an action of theirs
 * travels: as what a room sends, so that a retry counts once. Must not know what is in an action.
 */

import { bytes, type Codec, encode, fixed, list, struct, text, u64 } from './codec'
import { Refused } from './errors'
import { addressKey, RateLimit } from './rate'

/** Requests of an operator's address, right key or wrong: a long log is many pages, and no key of its length is guessed. */
const RATE = { per_second: 50, burst: 500 }
/** As a sender, in logs: a room's id, though no room of this kind is ever served. */
const SENDER = 'operator/admin'
const PROTOCOL = 1

interface Parcel {
  protocol: Uint8Array
  sender: string
  lineage: Uint8Array
  after: number
  sends: { seq: number; body: Uint8Array }[]
}

/** What rooms send each other, as `crates/baton/src/parcel.rs` has it; pinned by the same golden bytes. */
export const parcel: Codec<Parcel> = struct<Parcel>({
  protocol: fixed(1),
  sender: text,
  lineage: fixed(8),
  after: u64,
  sends: list(struct({ seq: u64, body: bytes })),
})

/** Too many requests: try again after so many seconds. */
export class Limited extends Error {
  readonly after_s: number

  constructor(after_s: number) {
    super('rate limited')
    this.after_s = after_s
  }
}

/** @throws Limited */
export function limit(after_s: number): void {
  if (after_s > 0) throw new Limited(after_s)
}

/** Who may do what only the operator may. */
export class Operator {
  readonly #key: string
  readonly #addresses: RateLimit

  constructor(key: string, now?: () => number) {
    this.#key = key
    this.#addresses = new RateLimit(RATE, now)
  }

  /** @throws Limited, Refused `unauthorized` */
  async admit(authorization: string | undefined, address: string | null): Promise<void> {
    limit(this.#addresses.take(addressKey(address ?? 'unknown')))
    const [, given] = /^Bearer ([\x21-\x7e]{1,200})$/.exec(authorization ?? '') ?? []
    if (given === undefined || !(await same(given, this.#key))) throw new Refused('unauthorized')
  }

  /** An action on its way. With the same lineage, 16 hexadecimal digits, it is the same action. @throws Refused */
  parcel(lineage: string, body: Uint8Array): Uint8Array {
    if (!/^[0-9a-f]{16}$/.test(lineage)) throw new Refused('not_found')
    const drawn = Uint8Array.from(lineage.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
    return encode(parcel, {
      protocol: new Uint8Array([PROTOCOL]),
      sender: SENDER,
      lineage: drawn,
      after: 0,
      sends: [{ seq: 1, body }],
    })
  }
}

/** Compares without telling by its time how much is right: what is compared is a MAC under a key that nobody knows. */
async function same(given: string, wanted: string): Promise<boolean> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = (await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify'])) as CryptoKey
  const encoded = (value: string) => new TextEncoder().encode(value)
  return crypto.subtle.verify('HMAC', key, await crypto.subtle.sign('HMAC', key, encoded(wanted)), encoded(given))
}
