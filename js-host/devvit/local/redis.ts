/**
 * `devvit.plugin.redis.RedisAPI` over a real Redis: every call that the client of @devvit/redis can make. Keys are those
 * of the installation, or of the app where it asks for global ones.
 */

import type { Metadata } from '@devvit/protos/lib/Types.js'
import type { RedisAPI, TransactionId } from '@devvit/protos/types/devvit/plugin/redis/redisapi.js'
import { COMMANDS, type CommandCall } from './commands.ts'
import type { Connection } from './connection.ts'
import type { Caller, Rpc } from './rpc.ts'
import { Transactions } from './transactions.ts'

/** The most that a request may be, in bytes. */
const REQUEST_BYTES = 5 * 1024 * 1024
/** `RedisKeyScope.GLOBAL`. */
const GLOBAL = 1

/** Where each request says of which keys and which transaction it is, itself or in its `key`. */
interface Scoped {
  scope?: number | undefined
  transactionId?: TransactionId | undefined
}

function scopeOf(request: object): Scoped {
  const key = 'key' in request && typeof request.key === 'object' ? (request.key as Scoped | null) : null
  const own = request as Scoped
  return { scope: own.scope ?? key?.scope, transactionId: own.transactionId ?? key?.transactionId }
}

/** The name in Redis of a key of a caller. */
function keyFor({ installation, app }: Caller, scope: number | undefined): (name: string | undefined) => string {
  return (name = '') => (scope === GLOBAL ? `global:${app}:${name}` : `of:${installation}:${name}`)
}

function check(name: string, words: unknown[]): void {
  let bytes = 0
  for (const word of words) {
    if (typeof word !== 'string') throw new TypeError(`3 INVALID_ARGUMENT: ${name} takes strings, not ${typeof word}`)
    bytes += Buffer.byteLength(word)
  }
  if (bytes > REQUEST_BYTES) throw new Error(`8 RESOURCE_EXHAUSTED: ${name} of ${bytes} bytes, of ${REQUEST_BYTES}`)
}

/** What Redis says is wrong, as it comes through Devvit. */
function asUnknown(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error)
  throw new Error(/^\d+ [A-Z_]+: /.test(message) ? message : `2 UNKNOWN: ${message}`)
}

export class RedisPlugin {
  readonly #redis: Connection
  readonly #rpc: Rpc
  readonly #transactions: Transactions

  constructor(redis: Connection, rpc: Rpc) {
    this.#redis = redis
    this.#rpc = rpc
    this.#transactions = new Transactions(redis)
  }

  /** What an app is given. */
  api(): RedisAPI {
    const transactions = this.#transactions
    const commands = Object.keys(COMMANDS).map((name) => [name, this.#command(name as CommandCall)])
    const others: Omit<RedisAPI, CommandCall> = {
      Watch: this.#transaction('Watch', async ({ installation, ...caller }, { keys, transactionId }) => {
        const key = keyFor({ installation, ...caller }, undefined)
        return { id: await transactions.watch(installation, keys.map(key), transactionId?.id) }
      }),
      Multi: this.#transaction('Multi', async ({ installation }, { id }) => {
        await transactions.multi(installation, id)
        return {}
      }),
      Exec: this.#transaction('Exec', async ({ installation }, { id }) => {
        return { response: await transactions.exec(installation, id) }
      }),
      Discard: this.#transaction('Discard', async ({ installation }, { id }) => {
        await transactions.discard(installation, id)
        return {}
      }),
      Unwatch: this.#transaction('Unwatch', async ({ installation }, { id }) => {
        await transactions.unwatch(installation, id)
        return {}
      }),
    }
    return { ...others, ...Object.fromEntries(commands) } as RedisAPI
  }

  close(): void {
    this.#transactions.close()
  }

  #command(name: CommandCall) {
    // Each command fits its own requests; which it is here is not known to the compiler.
    const command = COMMANDS[name] as (typeof COMMANDS)['Get']
    return async (request: Parameters<RedisAPI['Get']>[0], metadata?: Metadata): Promise<object> => {
      const caller = this.#rpc.caller('redis', name, metadata)
      const { scope, transactionId } = scopeOf(request)
      const words = command.words(request, keyFor(caller, scope))
      check(name, words)
      const as = command.bytes ? 'bytes' : 'text'
      const work = () =>
        transactionId
          ? this.#transactions
              .queue(caller.installation, transactionId.id, words, (raw) => command.queued(raw, request))
              .then(() => 'QUEUED' as const)
          : this.#redis.send(words, as)
      const question = command.write || transactionId ? undefined : `${as} ${JSON.stringify(words)}`
      const raw = await this.#rpc.meet({ name, write: command.write, question }, work).catch(asUnknown)
      if (transactionId) return {}
      if (raw === null && command.nil && caller.throwsNil) throw new Error('2 UNKNOWN: redis: nil')
      return command.answer(raw, request)
    }
  }

  #transaction<Request, Answer>(name: string, work: (caller: Caller, request: Request) => Promise<Answer>) {
    return async (request: Request, metadata?: Metadata): Promise<Answer> => {
      const caller = this.#rpc.caller('redis', name, metadata)
      return await this.#rpc.meet({ name, write: name === 'Exec' }, () => work(caller, request)).catch(asUnknown)
    }
  }
}
