/**
 * Keys in Devvit's Redis, of which each call is a round trip and a command of its own. What is a plain get there may come
 * from an old copy. Decides how a call is spelled and what its answer means; must not know what the keys mean.
 */

import type { KeyAnswer, KeyCall, Keys } from './slots'

/** What is used of `@devvit/redis`. */
export interface DevvitRedis {
  get(key: string): Promise<string | undefined>
  getRange(key: string, start: number, end: number): Promise<string>
  set(key: string, value: string, options?: { nx?: boolean; expiration?: Date }): Promise<string>
  del(...keys: string[]): Promise<void>
  hSetNX(key: string, field: string, value: string): Promise<number>
  hMGet(key: string, fields: string[]): Promise<(string | null)[]>
  hGetAll(key: string): Promise<Record<string, string>>
  hDel(key: string, fields: string[]): Promise<number>
  hLen(key: string): Promise<number>
}

/** The platform rounds an expiry down to whole seconds, at the moment when it looks at its clock. */
const EXPIRY_SLACK_MS = 500

/** The platform may have switched `hMGet` off for an app. So many refusals in a row, and it is not tried again. */
const REFUSALS = 3

/** Keys of the installation whose request this is. */
export class DevvitKeys implements Keys {
  readonly #redis: DevvitRedis
  /** Refusals of `hMGet` in a row where the whole hash was to be had. */
  #refused = 0

  constructor(redis: DevvitRedis) {
    this.#redis = redis
  }

  async perform(call: KeyCall): Promise<KeyAnswer> {
    try {
      return await this.#ask(call)
    } catch (error) {
      if (isWrongType(error)) return { tag: 'wrong_type' }
      throw error
    }
  }

  async #ask(call: KeyCall): Promise<KeyAnswer> {
    const redis = this.#redis
    switch (call.tag) {
      case 'get':
        return textOf(await redis.get(call.key))
      case 'start':
        return textOf(await redis.getRange(call.key, 0, call.bytes - 1))
      case 'set': {
        const { key, value, absent_only, expire_seconds } = call
        const said = await redis.set(key, value, {
          ...(absent_only ? { nx: true } : {}),
          ...(expire_seconds === null
            ? {}
            : { expiration: new Date(Date.now() + expire_seconds * 1_000 + EXPIRY_SLACK_MS) }),
        })
        return { tag: said === 'OK' ? 'done' : 'refused' }
      }
      case 'delete':
        await redis.del(...call.keys)
        return { tag: 'done' }
      case 'field_set':
        return { tag: (await redis.hSetNX(call.key, String(call.field), call.value)) === 1 ? 'done' : 'refused' }
      case 'fields':
        return { tag: 'texts', texts: await this.#fields(call.key, call.fields.map(String)) }
      case 'all_fields': {
        const hash = Object.entries(await redis.hGetAll(call.key))
        return { tag: 'hash', hash: hash.map(([field, text]) => ({ field: Number(field), text })) }
      }
      case 'fields_delete':
        await redis.hDel(call.key, call.fields.map(String))
        return { tag: 'done' }
      case 'field_count':
        return { tag: 'length', length: await redis.hLen(call.key) }
    }
  }

  /** Fields of a hash; where the platform does not hand them out, of all that it holds, which is a segment at most. */
  async #fields(key: string, fields: string[]): Promise<(string | null)[]> {
    const redis = this.#redis
    let refusal: unknown = null
    if (this.#refused < REFUSALS) {
      try {
        const texts = await redis.hMGet(key, fields)
        this.#refused = 0
        return texts.map((text) => text ?? null)
      } catch (error) {
        if (isWrongType(error)) throw error
        refusal = error
      }
    }
    try {
      const hash = await redis.hGetAll(key)
      if (refusal) this.#refused += 1
      return fields.map((field) => hash[field] ?? null)
    } catch (error) {
      throw refusal ?? error
    }
  }
}

function isWrongType(error: unknown): boolean {
  return error instanceof Error && error.message.includes('WRONGTYPE')
}

/** What is empty is nothing: no text of ours is. */
function textOf(text: string | null | undefined): KeyAnswer {
  return text ? { tag: 'text', text } : { tag: 'nil' }
}
