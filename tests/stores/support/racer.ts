/** A process that appends to a room as fast as it can until that has so many frames, and tells what it won. */

import { createClient } from '@redis/client'
import type { Head } from '../../../js-host/src/effect'
import { RedisStore } from '../../../js-host/src/stores/redis'
import { overTcp } from '../../../js-host/src/stores/redis-scripts'

const [port = '', room = '', racer = '0', until = '0'] = process.argv.slice(2)
const client = createClient({ socket: { host: '127.0.0.1', port: Number(port) } })
await client.connect()
const store = new RedisStore(overTcp(client as never))
const won: number[] = []
let lost = 0
let head: Head = { v: 0, hash: new Uint8Array(16) }
while (head.v < Number(until)) {
  const v = head.v + 1
  const hash = new Uint8Array(16).fill(Number(racer) + 1)
  new DataView(hash.buffer).setUint32(0, v)
  const append = { v, previous: head.hash, hash, frame: hash, published: new Uint8Array(), lease_ms: 1_000 }
  const rest = { framed: [], snapshot: null, note: null }
  const read = { known: head, since: head.v, block: null }
  const { appended, found } = await store.append(room, { ...append, ...rest }, read)
  if (appended) won.push(v)
  else lost += 1
  head = found.head
}
await client.close()
process.stdout.write(JSON.stringify({ won, lost }))
