/**
 * The product's Worker, with an object whose SQLite is weighed: statements, rows and bytes, each counted where the object asks
 * for it, with the numbers of the platform's own bill. And what the test of long histories needs beside: a log that was made
 * elsewhere is appended by the object's own store, and an object and its handler can be made to know nothing.
 */

import { bytes, decode, list } from '../../js-host/src/codec'
import { fed } from '../../js-host/src/effect'
import { facesOf } from '../../js-host/src/hosts/isolate'
import product, { type Bindings as Product, RoomObject as Room } from '../../js-host/src/hosts/workers'
import { settingsOf } from '../../js-host/src/settings'

/** What SQLite did for an object. */
interface Weight {
  statements: number
  /** As `cursor.rowsRead` and `cursor.rowsWritten` have them: what is paid for. */
  rowsRead: number
  rowsWritten: number
  /** In the values of the rows that came back, and in those that were bound. */
  bytesRead: number
  bytesBound: number
}

type Cursor = SqlStorageCursor<Record<string, SqlStorageValue>>

/** Weighs what is executed from now on. Returns what tells the weight since it was asked last. */
function weigh(sql: SqlStorage): () => Weight {
  const execute = sql.exec.bind(sql)
  let cursors: Cursor[] = []
  let [bytesRead, bytesBound] = [0, 0]
  const seen = (row: Record<string, SqlStorageValue>) => {
    for (const value of Object.values(row)) bytesRead += sizeOf(value)
    return row
  }
  const weighed = (query: string, ...bindings: SqlStorageValue[]) => {
    const cursor = execute(query, ...bindings)
    cursors.push(cursor)
    for (const value of bindings) bytesBound += sizeOf(value)
    return {
      toArray: () => cursor.toArray().map(seen),
      *[Symbol.iterator]() {
        for (const row of cursor) yield seen(row)
      },
    }
  }
  Object.defineProperty(sql, 'exec', { value: weighed })
  return () => {
    const sum = (of: (cursor: Cursor) => number) => cursors.reduce((all, cursor) => all + of(cursor), 0)
    const weight = {
      statements: cursors.length,
      rowsRead: sum(({ rowsRead }) => rowsRead),
      rowsWritten: sum(({ rowsWritten }) => rowsWritten),
      bytesRead,
      bytesBound,
    }
    cursors = []
    bytesRead = 0
    bytesBound = 0
    return weight
  }
}

function sizeOf(value: SqlStorageValue): number {
  if (typeof value === 'string') return value.length
  if (value === null || typeof value === 'number') return 8
  return value.byteLength
}

export class RoomObject extends Room {
  readonly #weighed: () => Weight

  constructor(context: DurableObjectState, bindings: Product) {
    const weighed = weigh(context.storage.sql)
    super(context, bindings)
    this.#weighed = weighed
  }

  /** Since it was asked last, or since the object woke. */
  weighed(): Weight {
    return this.#weighed()
  }

  /** Performs what handlers elsewhere asked for. How many frames were appended. */
  async fill(room: string, effects: Uint8Array[]): Promise<number> {
    let appended = 0
    for (const effect of effects) {
      const done = decode(fed, await this.perform(room, effect))
      if (done.tag === 'appended' && done.appended) appended += 1
    }
    return appended
  }

  /** What it weighs to look at every row, as a query does that has no index. */
  scan(): Weight {
    this.#weighed()
    const { sql } = this.ctx.storage
    const tables = sql.exec("SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 1) <> '_'")
    for (const { name } of tables.toArray()) sql.exec(`SELECT count(*) FROM ${name}`).toArray()
    return this.#weighed()
  }

  /** The object ends, and with it the isolate's instance of the handler: the next request wakes both. */
  forget(): void {
    const faces = facesOf(settingsOf(this.env))
    faces.drop(faces.current())
    this.ctx.abort('told to')
  }
}

interface Bindings extends Product {
  ROOMS: DurableObjectNamespace<RoomObject>
}

export default {
  async fetch(request, bindings, context): Promise<Response> {
    const object = (room: string) => bindings.ROOMS.get(bindings.ROOMS.idFromName(room))
    const [, what, ...rest] = new URL(request.url).pathname.split('/')
    const room = rest.join('/')
    if (what === 'filled') {
      const effects = decode(list(bytes), new Uint8Array(await request.arrayBuffer()))
      return Response.json(await object(room).fill(room, effects))
    }
    if (what === 'scanned') return Response.json(await object(room).scan())
    if (what === 'forgotten') {
      // Who ends does not answer.
      await object(room)
        .forget()
        .catch(() => {})
      return Response.json(null)
    }
    const answer = await product.fetch(request, bindings, context)
    // Of whom the request says: the product knows by the session which room is asked.
    const of = request.headers.get('weighed')
    if (of === null) return answer
    const told = new Response(answer.body, answer)
    told.headers.set('weighed', JSON.stringify(await object(of).weighed()))
    return told
  },
} satisfies ExportedHandler<Bindings>
