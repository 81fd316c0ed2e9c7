/**
 * The store of a process of Node, and what tells it of frames: in memory, in one Redis, in a cluster of it, or in Redis
 * over HTTP. Decides how each is reached; must not know what is kept there.
 */

import { createClient, createCluster } from '@redis/client'
import { Redis } from '@upstash/redis'
import { type Listen, Loudspeaker } from '../live'
import { SettingError, type Settings } from '../settings'
import type { Store } from '../store'
import { Handover } from '../stores/handover'
import { MemoryStore } from '../stores/memory'
import { RedisStore } from '../stores/redis'
import { channelOf } from '../stores/redis-script'
import { HTTP, overCluster, overHttp, overTcp } from '../stores/redis-scripts'
import { Lasting, type Redises, tell } from './lasting-redis'

/** Before every key. */
const PREFIX = 'baton:'
/** How often a cluster is asked anew who has what while a server of it cannot be reached, in milliseconds. */
const REFRESH_MS = 500

/** A store that is open. */
export interface Opened {
  store: Store
  /** Null where nothing can be heard. */
  listen: Listen | null
  close(): Promise<void>
}

/** Opens what the settings name. @throws SettingError, and whatever the store says when it cannot be reached */
export async function openStore(
  { store, store_token, store_timeout_ms }: Settings,
  publishes: boolean,
): Promise<Opened> {
  if (store === null || store === 'memory') {
    const speaker = new Loudspeaker()
    const memory = new MemoryStore(Date.now, (room, published) => speaker.publish(room, published))
    return { store: memory, listen: speaker.listen, close: async () => {} }
  }
  if (/^https?:/.test(store)) {
    // Nothing tells of a frame there: pages ask.
    const http = new RedisStore(overHttp(new Redis({ url: store, token: store_token, ...HTTP })))
    return { store: http, listen: null, close: async () => {} }
  }
  if (store === 'object') throw new SettingError('BATON_STORE: Node has no Durable Objects')
  const urls = store.split(',')
  const redis = await Lasting.open(() => (urls.length > 1 ? aCluster(urls) : aServer(store)), store_timeout_ms)
  const listen: Listen = async (room, hear) => {
    const channel = channelOf(PREFIX, room)
    await redis.subscribe(channel, hear)
    return () => void redis.unsubscribe(channel, hear).catch(() => undefined)
  }
  const handover = new Handover(new RedisStore(redis.scripts, { prefix: PREFIX, publishes }))
  return {
    store: handover,
    listen,
    close: async () => {
      await handover.release()
      await redis.close()
    },
  }
}

function aServer(url: string): Redises {
  // What waits for a connection would be done late: it fails, and the client tries to reach the server again.
  const client = createClient({ url, disableOfflineQueue: true })
  // A connection that listens can do nothing else. It subscribes again by itself when it was lost.
  const listener = createClient({ url })
  const both = [client, listener]
  for (const each of both) each.on('error', tell)
  return {
    scripts: overTcp(client),
    connect: () => Promise.all(both.map((each) => each.connect())),
    subscribe: (channel, hear) => listener.subscribe(channel, hear),
    unsubscribe: (channel, hear) => listener.unsubscribe(channel, hear),
    answers: () => Promise.all(both.map((each) => (each.isReady ? each.ping() : undefined))),
    close: () => {
      listener.destroy()
      return client.close()
    },
    drop: () => {
      for (const each of both) if (each.isOpen) each.destroy()
    },
  }
}

/** Some servers of a cluster are enough: they name the others, who are reached as the first one is. */
function aCluster(urls: string[]): Redises {
  const [{ username, password, protocol }] = urls.map((url) => new URL(url)) as [URL]
  const cluster = createCluster({
    rootNodes: urls.map((url) => ({ url })),
    topologyRefreshOnReconnectionAttemptStrategy: REFRESH_MS,
    defaults: {
      disableOfflineQueue: true,
      ...(username ? { username: decodeURIComponent(username) } : {}),
      ...(password ? { password: decodeURIComponent(password) } : {}),
      // Each try to reach a server that is gone is an occasion to ask the others.
      socket: { reconnectStrategy: REFRESH_MS, ...(protocol === 'rediss:' ? { tls: true } : {}) },
    },
  })
  cluster.on('error', tell)
  const clients = () => [...cluster.masters, cluster.pubSubNode].map((node) => node?.client)
  return {
    scripts: overCluster(cluster),
    connect: () => cluster.connect(),
    // What is published at one server is heard at all of them.
    subscribe: (channel, hear) => cluster.subscribe(channel, hear),
    unsubscribe: (channel, hear) => cluster.unsubscribe(channel, hear as never),
    answers: () => Promise.all(clients().map((client) => (client?.isReady ? client.ping() : undefined))),
    close: () => cluster.close(),
    drop: () => {
      if (cluster.isOpen) cluster.destroy()
    },
  }
}
