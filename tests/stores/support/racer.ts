/**
 * A process that appends to a room as fast as it can until that has so many frames, and tells what it won. Must not know
 * what kind of store it is.
 */

import { createClient, createCluster } from '@redis/client'
import { Redis } from '@upstash/redis'
import { bytes, decode, encode, list } from '../../../js-host/src/codec'
import type { Found, Head } from '../../../js-host/src/effect'
import { type Store, storeOf } from '../../../js-host/src/store'
import { RedisStore } from '../../../js-host/src/stores/redis'
import { HTTP, overCluster, overHttp, overTcp } from '../../../js-host/src/stores/redis-scripts'
import { forge } from '../../../js-host/test/store-contract'
import type { Reach, Result } from './race'

const [reach = '{}', room = '', racer = '0', until = '0'] = process.argv.slice(2)
const { store, close } = await open(JSON.parse(reach) as Reach)
const won: number[] = []
let lost = 0
let head: Head = { v: 0, hash: new Uint8Array(16) }
while (head.v < Number(until)) {
  const v = head.v + 1
  const made = forge(v, head.hash, new Uint8Array([Number(racer) + 1]))
  const append = { v, previous: head.hash, ...made, published: new Uint8Array(), lease_ms: 1_000 }
  const rest = { framed: [], snapshot: null, note: null }
  const read = { known: head, since: head.v, block: null }
  const { appended, found } = await store.append(room, { ...append, ...rest }, read).catch(look)
  if (appended) won.push(v)
  else lost += 1
  head = found.head
}
await close()
process.stdout.write(JSON.stringify({ won, lost } satisfies Result))

/** Where a segment was sealed meanwhile, a store of keys cannot tell what became of an append: it is looked for, as handlers do. */
async function look(failure: Error): Promise<{ appended: boolean; found: Found }> {
  if ((JSON.parse(reach) as Reach).by !== 'devvit') throw failure
  const found = await store.read(room, { known: head, since: head.v, block: null })
  const whole = found.frames.length === found.head.v - head.v
  return { appended: whole && found.frames[0]?.at(-1) === Number(racer) + 1, found }
}

async function open(to: Reach): Promise<{ store: Store; close(): Promise<unknown> }> {
  if (to.by === 'http') {
    const store = new RedisStore(overHttp(new Redis({ url: to.url, token: to.token, ...HTTP })))
    return { store, close: async () => {} }
  }
  if (to.by === 'devvit') {
    // Only here: the others have no use for the wasm.
    const { localDevvit, newStore } = await import('../../devvit/support/keys')
    const devvit = await localDevvit(to.url, to.root)
    return { store: storeOf(newStore('one', to.root)), close: async () => devvit.close() }
  }
  if (to.by === 'effects') {
    const perform = async (_: string, effect: Uint8Array) => {
      const body = encode(list(bytes), [effect]) as Uint8Array<ArrayBuffer>
      const answer = await fetch(to.url, { method: 'POST', body })
      if (!answer.ok) throw new Error(await answer.text())
      return decode(list(bytes), new Uint8Array(await answer.arrayBuffer()))[0] ?? new Uint8Array()
    }
    return { store: storeOf({ perform }), close: async () => {} }
  }
  const addresses = to.ports.map((port) => ({ socket: { host: '127.0.0.1', port } }))
  if (to.by === 'cluster') {
    const cluster = createCluster({ rootNodes: addresses })
    await cluster.connect()
    return { store: new RedisStore(overCluster(cluster as never)), close: () => cluster.close() }
  }
  const client = createClient(addresses[0] ?? {})
  await client.connect()
  return { store: new RedisStore(overTcp(client as never)), close: () => client.close() }
}
