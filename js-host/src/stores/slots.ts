/**
 * Rooms in a store that can do no more than create a key if it is absent. What calls an effect becomes, and what their
 * answers mean, is decided in the wasm (`crates/baton/src/slots`); here they are performed, all of a step at once. The
 * wasm is the handler's own instance: after a trap what it knew of the keys is gone, which costs reads. Must not know how
 * the store is reached, which is a {@link Keys}.
 */

import { bool, type Codec, decode, encode, list, option, struct, text, u32, u64, variants } from '../codec'
import { type Append, type Effect, effect, fed } from '../effect'
import { MAX_REQUEST_BYTES } from '../limits'
import type { Face, Faces } from '../load/face'
import { type Performer, StoreLimit } from '../store'
import { refuseLongNote, refuseOversized } from './refuse'

/** A call of a store of single keys: `crates/baton/src/slots/call.rs` says what each means. */
export type KeyCall =
  | { tag: 'get'; key: string }
  | { tag: 'start'; key: string; bytes: number }
  | { tag: 'set'; key: string; value: string; absent_only: boolean; expire_seconds: number | null }
  | { tag: 'delete'; keys: string[] }
  | { tag: 'field_set'; key: string; field: number; value: string }
  | { tag: 'fields'; key: string; fields: number[] }
  | { tag: 'all_fields'; key: string }
  | { tag: 'fields_delete'; key: string; fields: number[] }
  | { tag: 'field_count'; key: string }

/** Its answer. */
export type KeyAnswer =
  | { tag: 'done' }
  | { tag: 'refused' }
  | { tag: 'nil' }
  | { tag: 'text'; text: string }
  | { tag: 'texts'; texts: (string | null)[] }
  | { tag: 'hash'; hash: { field: number; text: string }[] }
  | { tag: 'length'; length: number }
  | { tag: 'wrong_type' }
  | { tag: 'failed' }

/** What the wasm asks for next. */
export type Step = { tag: 'perform'; calls: KeyCall[] } | { tag: 'done'; fed: Uint8Array }

/** A store of single keys. */
export interface Keys {
  /** Performs a call. @throws if the outcome is unknown */
  perform(call: KeyCall): Promise<KeyAnswer>
}

/** The wasm with errands in it. */
export interface SlotsFace extends Face {
  Errand: new (room: string, effect: Uint8Array) => { resume(answers: Uint8Array): Uint8Array; free(): void }
}

/** What a host may want to know. */
export interface SlotsOptions {
  /** Told what is published of each frame that was appended here; the append's answer waits for it. */
  published?: (room: string, published: Uint8Array) => Promise<void>
  /** Told of calls that failed; never of what was asked. */
  note?: (event: string, fields: Record<string, string>) => void
}

const call: Codec<KeyCall> = variants<KeyCall>({
  get: { key: text },
  start: { key: text, bytes: u32 },
  set: { key: text, value: text, absent_only: bool, expire_seconds: option(u32) },
  delete: { keys: list(text) },
  field_set: { key: text, field: u64, value: text },
  fields: { key: text, fields: list(u64) },
  all_fields: { key: text },
  fields_delete: { key: text, fields: list(u64) },
  field_count: { key: text },
})

const answer: Codec<KeyAnswer> = variants<KeyAnswer>({
  done: {},
  refused: {},
  nil: {},
  text: { text },
  texts: { texts: list(option(text)) },
  hash: { hash: list(struct<{ field: number; text: string }>({ field: u64, text })) },
  length: { length: u64 },
  wrong_type: {},
  failed: {},
})

/** The answers to the calls of a step, in their order. */
export const answers: Codec<KeyAnswer[]> = list(answer)

/** A result is passed on as it is. */
const rest: Codec<Uint8Array> = {
  write: (out, bytes) => out.raw(bytes),
  read: (from) => from.raw(from.left),
}

/** A step. */
export const step: Codec<Step> = variants<Step>({ perform: { calls: list(call) }, done: { fed: rest } })

/** At most one failed call is told in so long, in milliseconds. */
const TELL_MS = 1_000

/** Steps of one errand, at most; more is a fault. The longest, a cold read with a chore, takes about a dozen. */
const MAX_STEPS = 64

/** Rooms in a store of single keys. */
export class SlotsStore implements Performer {
  readonly #faces: Faces<SlotsFace>
  readonly #keys: Keys
  readonly #options: SlotsOptions
  #told_ms = Number.NEGATIVE_INFINITY

  constructor(faces: Faces<SlotsFace>, keys: Keys, options: SlotsOptions = {}) {
    this.#faces = faces
    this.#keys = keys
    this.#options = options
  }

  async perform(room: string, asked: Uint8Array): Promise<Uint8Array> {
    const wanted = decode(effect, asked)
    refuseTooLong(wanted)
    const result = await this.#run(room, asked)
    if (wanted.tag === 'append' && wasAppended(wanted.append, result)) {
      await this.#options.published?.(room, wanted.append.published)
    }
    return result
  }

  async #run(room: string, asked: Uint8Array): Promise<Uint8Array> {
    const face = this.#faces.current()
    const errand = this.#faces.guard(face, () => new face.Errand(room, asked))
    try {
      let answered: Uint8Array = new Uint8Array()
      for (let count = 0; count < MAX_STEPS; count++) {
        // Another invocation's trap took the errand with it: what it wrote is unknown.
        if (!this.#faces.holds(face)) throw new Error('the instance was dropped')
        const next = this.#faces.guard(face, () => decode(step, errand.resume(answered)))
        if (next.tag === 'done') return next.fed
        answered = encode(answers, await Promise.all(next.calls.map((each) => this.#answer(each))))
      }
      throw new Error('the errand does not end')
    } finally {
      if (this.#faces.holds(face)) this.#faces.guard(face, () => errand.free())
    }
  }

  async #answer(asked: KeyCall): Promise<KeyAnswer> {
    try {
      return await this.#keys.perform(asked)
    } catch (error) {
      this.#tell(asked, error)
      return { tag: 'failed' }
    }
  }

  /** What the wasm is not told: why. Not of every call, since all of them may fail. */
  #tell({ tag }: KeyCall, error: unknown): void {
    const now_ms = Date.now()
    if (now_ms - this.#told_ms < TELL_MS) return
    this.#told_ms = now_ms
    this.#options.note?.('store', { call: tag, message: error instanceof Error ? error.message : 'unknown' })
  }
}

/** @throws StoreLimit; nothing changed. */
function refuseTooLong(wanted: Effect): void {
  if (wanted.tag === 'append') refuseOversized(wanted.append)
  if (wanted.tag === 'note') refuseLongNote(wanted.note)
  if (wanted.tag !== 'push') return
  // An item is a part of one request, with the identity of its sender beside it.
  if (wanted.items.some((item) => item.length > MAX_REQUEST_BYTES + 1024)) throw new StoreLimit('an item is too large')
}

function wasAppended({ published }: Append, result: Uint8Array): boolean {
  if (published.length === 0 || result[0] !== APPENDED) return false
  const told = decode(fed, result)
  return told.tag === 'appended' && told.appended
}

/** The first byte of an encoded result of an append. */
const APPENDED = 1
