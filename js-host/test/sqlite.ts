/** SQLite of Node in the shape of a Durable Object's storage, so that its store can be tested without workerd. */

import { DatabaseSync } from 'node:sqlite'
import type { Found } from '../src/effect'
import type { Store } from '../src/store'
import { ObjectStore, type ObjectStoreOptions } from '../src/stores/object'
import type { Sql, SqlValue, Storage } from '../src/stores/schema'

/** A database in memory. `fail` throws after so many statements that write, to try roll-back. */
export class NodeStorage implements Storage {
  readonly database = new DatabaseSync(':memory:')
  /** Statements left until one throws; negative for never. */
  failAfter = -1

  readonly sql: Sql = {
    exec: (query, ...bindings) => {
      if (this.failAfter === 0) throw new Error('disk full')
      if (this.failAfter > 0) this.failAfter -= 1
      const rows = this.database.prepare(query).all(...(bindings as (string | number | Uint8Array | null)[]))
      const list = rows as Record<string, SqlValue>[]
      return { toArray: () => list, [Symbol.iterator]: () => list[Symbol.iterator]() }
    },
  }

  transactionSync<T>(body: () => T): T {
    this.database.exec('BEGIN')
    try {
      const result = body()
      this.database.exec('COMMIT')
      return result
    } catch (error) {
      this.database.exec('ROLLBACK')
      throw error
    }
  }
}

/** One object per room, as a Worker sees them. */
export class Objects implements Store {
  readonly storages = new Map<string, NodeStorage>()
  readonly #stores = new Map<string, ObjectStore>()
  readonly #options: ObjectStoreOptions

  constructor(options: ObjectStoreOptions) {
    this.#options = options
  }

  read(room: string, ...rest: Parameters<Store['read']> extends [string, ...infer R] ? R : never): Promise<Found> {
    return this.of(room).read(room, ...rest)
  }

  append(room: string, ...rest: Parameters<Store['append']> extends [string, ...infer R] ? R : never) {
    return this.of(room).append(room, ...rest)
  }

  push(room: string, ...rest: Parameters<Store['push']> extends [string, ...infer R] ? R : never) {
    return this.of(room).push(room, ...rest)
  }

  note(room: string, ...rest: Parameters<Store['note']> extends [string, ...infer R] ? R : never) {
    return this.of(room).note(room, ...rest)
  }

  of(room: string): ObjectStore {
    const known = this.#stores.get(room)
    if (known) return known
    const storage = new NodeStorage()
    const store = new ObjectStore(storage, this.#options)
    this.storages.set(room, storage)
    this.#stores.set(room, store)
    return store
  }
}
