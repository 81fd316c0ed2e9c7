/**
 * Transactions as Devvit has them: each on a connection of its own from `watch` on, at most twenty at once for an
 * installation (counted in Redis, so over all processes), each for five seconds. A conflict throws.
 */

import { randomUUID } from 'node:crypto'
import type { TransactionResponse } from '@devvit/protos/types/devvit/plugin/redis/redisapi.js'
import type { Connection, Raw } from './connection.ts'

const AT_ONCE = 20
const LASTS_MS = 5_000

/** Takes a place among those of an installation, if there is one; forgets those whose process died. */
const TAKE = `
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[4])
return 1`

type Response = (raw: Raw) => TransactionResponse

interface Transaction {
  connection: Connection
  installation: string
  begun: boolean
  responses: Response[]
  expiry: NodeJS.Timeout
}

const placesOf = (installation: string) => `local:transactions:${installation}`

export class Transactions {
  readonly #redis: Connection
  readonly #open = new Map<string, Transaction>()
  readonly #idle: Connection[] = []

  constructor(redis: Connection) {
    this.#redis = redis
  }

  /** Begins one that fails if one of the keys changes; or adds keys to one. Returns which it is. */
  async watch(installation: string, keys: string[], id?: string): Promise<string> {
    const known = id === undefined ? undefined : this.#of(installation, id)
    if (id !== undefined && known) {
      await known.connection.send(['WATCH', ...keys])
      return id
    }
    const fresh = randomUUID()
    const now_ms = Date.now()
    const most = [String(now_ms), String(AT_ONCE), String(now_ms + LASTS_MS), fresh]
    const taken = await this.#redis.send(['EVAL', TAKE, '1', placesOf(installation), ...most])
    if (taken !== 1) throw new Error(`8 RESOURCE_EXHAUSTED: ${AT_ONCE} transactions are open`)
    const connection = this.#idle.pop() ?? (await this.#redis.another())
    const expiry = setTimeout(() => this.#end(fresh, connection), LASTS_MS)
    this.#open.set(fresh, { connection, installation, begun: false, responses: [], expiry })
    await connection.send(['WATCH', ...keys])
    return fresh
  }

  async multi(installation: string, id: string): Promise<void> {
    const transaction = this.#of(installation, id)
    if (transaction.begun) throw new Error('2 UNKNOWN: the transaction has begun already')
    transaction.begun = true
    await transaction.connection.send(['MULTI'])
  }

  /** Adds a command. */
  async queue(installation: string, id: string, words: string[], response: Response): Promise<void> {
    const transaction = this.#of(installation, id)
    if (!transaction.begun) throw new Error('2 UNKNOWN: a transaction takes commands after multi() only')
    transaction.responses.push(response)
    await transaction.connection.send(words)
  }

  /** @throws if a watched key has changed, or a command is wrong; nothing was done then */
  async exec(installation: string, id: string): Promise<TransactionResponse[]> {
    const { begun, connection, responses } = this.#of(installation, id)
    if (!begun) throw new Error('2 UNKNOWN: exec() comes after multi()')
    try {
      const answers = await connection.send(['EXEC']).catch((error: unknown) => {
        connection.close()
        throw error
      })
      this.#idle.push(connection)
      if (!Array.isArray(answers)) throw new Error('2 UNKNOWN: redis: transaction failed')
      return answers.map((raw, at) => {
        // One of the commands failed, as with the wrong type; the others were done.
        if (raw instanceof Error) throw raw
        return raw === null ? { nil: {} } : (responses[at]?.(raw) ?? { nil: {} })
      })
    } finally {
      await this.#end(id)
    }
  }

  async discard(installation: string, id: string): Promise<void> {
    const { begun, connection } = this.#of(installation, id)
    await connection.send([begun ? 'DISCARD' : 'UNWATCH'])
    this.#idle.push(connection)
    await this.#end(id)
  }

  async unwatch(installation: string, id: string): Promise<void> {
    await this.#of(installation, id).connection.send(['UNWATCH'])
  }

  close(): void {
    for (const { connection, expiry } of this.#open.values()) {
      clearTimeout(expiry)
      connection.close()
    }
    for (const connection of this.#idle) connection.close()
  }

  #of(installation: string, id: string): Transaction {
    const transaction = this.#open.get(id)
    if (transaction?.installation === installation) return transaction
    throw new Error(`2 UNKNOWN: there is no transaction ${id}; each lasts ${LASTS_MS} ms`)
  }

  /** Gives its place back. `broken`: a connection that something unfinished is left on. */
  async #end(id: string, broken?: Connection): Promise<void> {
    const transaction = this.#open.get(id)
    if (!transaction) return
    clearTimeout(transaction.expiry)
    this.#open.delete(id)
    broken?.close()
    await this.#redis.send(['ZREM', placesOf(transaction.installation), id]).catch(() => {})
  }
}
