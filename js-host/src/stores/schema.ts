/**
 * The tables of a room in SQLite, and the little of SQLite that they need: a Durable Object's
 * storage has this shape, and a test can give it one over another SQLite.
 */

/** A value of a row. */
export type SqlValue = ArrayBuffer | Uint8Array | string | number | null

/** What a query yields. */
export interface Rows extends Iterable<Record<string, SqlValue>> {
  toArray(): Record<string, SqlValue>[]
}

/** Runs a query. */
export interface Sql {
  exec(query: string, ...bindings: SqlValue[]): Rows
}

/** A database with transactions that cannot be interleaved. */
export interface Storage {
  readonly sql: Sql
  transactionSync<T>(body: () => T): T
}

/** The layout below. An older one is upgraded here when there is a newer; a newer one is refused. */
export const STORAGE_FORMAT = 1

/** The one row of `room`. Times in milliseconds since 1970. */
export interface RoomRow {
  format: number
  name: string
  head_v: number
  head_hash: Uint8Array
  lease_until_ms: number
  lease_ms: number
  next_item: number
  inbox_items: number
  inbox_bytes: number
  attempt: Uint8Array | null
}

/** The storage was written by newer code, which this code must not touch. Nothing changed. */
export class NewerFormat extends Error {
  override readonly name = 'NewerFormat'
}

const TABLES = [
  `CREATE TABLE room (
    one INTEGER PRIMARY KEY CHECK (one = 1), format INTEGER NOT NULL, name TEXT NOT NULL,
    head_v INTEGER NOT NULL, head_hash BLOB NOT NULL, lease_until_ms INTEGER NOT NULL, lease_ms INTEGER NOT NULL,
    next_item INTEGER NOT NULL, inbox_items INTEGER NOT NULL, inbox_bytes INTEGER NOT NULL,
    attempt BLOB)`,
  'CREATE TABLE ring (slot INTEGER PRIMARY KEY, v INTEGER NOT NULL, hash BLOB NOT NULL, frame BLOB NOT NULL)',
  'CREATE TABLE inbox (id INTEGER PRIMARY KEY, received_ms INTEGER NOT NULL, item BLOB NOT NULL)',
  'CREATE TABLE snapshots (v INTEGER PRIMARY KEY, hash BLOB NOT NULL, bytes BLOB NOT NULL)',
  `CREATE TABLE archive (
    segment INTEGER NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (segment, part)) WITHOUT ROWID`,
]

/** Makes the tables if there are none. @throws NewerFormat */
export function prepare(sql: Sql, room: string): void {
  if (sql.exec("SELECT 1 FROM sqlite_schema WHERE name = 'room'").toArray().length === 0) {
    for (const table of TABLES) sql.exec(table)
    sql.exec('INSERT INTO room VALUES (1, ?, ?, 0, ?, 0, 0, 1, 0, 0, NULL)', STORAGE_FORMAT, room, new Uint8Array(16))
  }
  const format = sql.exec('SELECT format FROM room').toArray()[0]?.format
  if (format !== STORAGE_FORMAT) {
    throw new NewerFormat(`the storage has format ${format}, this code knows ${STORAGE_FORMAT}`)
  }
}

/** A blob of a row. @throws TypeError if the column holds something else */
export function blob(value: SqlValue | undefined): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  throw new TypeError('not a blob')
}
