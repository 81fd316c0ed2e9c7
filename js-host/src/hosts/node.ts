/**
 * The host on Node: one process or many, over one Redis; or a single server with its rooms in memory. Decides which
 * store there is, and what a stop leaves behind. Everything that answers a request is the router's.
 */

import { serve } from '@hono/node-server'
import { serveStatic } from '@hono/node-server/serve-static'
import { createClient } from '@redis/client'
import { Redis } from '@upstash/redis'
import { Hono } from 'hono'
import { Driver } from '../driver'
import { type Listen, Loudspeaker, Streams } from '../live'
import { type Face, Faces } from '../load/face'
import { log } from '../log'
import { metricsText } from '../metrics'
import { createRouter } from '../router'
import { Sessions } from '../session'
import { SettingError, type Settings, settingsOf } from '../settings'
import { performer, type Store } from '../store'
import { Handover } from '../stores/handover'
import { MemoryStore } from '../stores/memory'
import { RedisStore } from '../stores/redis'
import { channelOf } from '../stores/redis-script'
import { HTTP, overHttp, overTcp } from '../stores/redis-scripts'

const VERSION = '0.1.0'
/** Before every key. */
const PREFIX = 'baton:'

/** What a process is started with. */
export interface NodeOptions {
  /** Where to listen; port 0 is any that is free. */
  hostname: string
  port: number
  /** Whether frames are pushed to who listens; without, pages ask. */
  push: boolean
  /** Where to tell `GET /metrics`, on loopback; null is nowhere. */
  metrics_port: number | null
  /** Text variables, as the settings describe them. */
  environment: object
  /** The files of the page. */
  page: string
  makeFace: () => Face
}

/** A process that answers. */
export interface NodeHost {
  port: number
  metrics_port: number | null
  /** Takes no more requests, answers those that it has, and lets go of the store. */
  stop(): Promise<void>
}

interface Opened {
  store: Store
  /** Null where nothing can be heard. */
  listen: Listen | null
  close(): Promise<void>
}

/** Starts it. @throws SettingError on a bad setting, and whatever the store says when it cannot be reached */
export async function startNode(options: NodeOptions): Promise<NodeHost> {
  const settings = settingsOf(options.environment)
  const faces = new Faces(options.makeFace, settings.rooms)
  const kinds = new Set(faces.current().kinds())
  const sessions = await Sessions.open(settings.keys, settings.audience)
  const opened = await openStore(settings, options.push)
  const { listen: listens } = opened
  const streams = options.push && listens ? new Streams(listens) : null
  const driver = new Driver({
    faces,
    store: performer(opened.store),
    store_timeout_ms: settings.store_timeout_ms,
    delivers: kinds,
    note: (event, fields) => log('warn', event, fields),
  })
  const pages = new Hono().use('*', serveStatic({ root: options.page }))
  const router = createRouter({
    settings,
    sessions,
    kinds,
    holds: false,
    ask: (kind, name, arrival) => driver.ask(kind, name, arrival),
    live: null,
    stream: streams && ((kind, name) => streams.stream(`${kind}/${name}`)),
    address: (request) => addresses.get(request) ?? null,
    health: () => ({ version: VERSION, mode: 'stateless', ...driver.counters }),
    page: async (request) => pages.fetch(request),
  })
  const addresses = new WeakMap<Request, string>()
  const main = await listen(options.hostname, options.port, (request, address) => {
    if (address !== undefined) addresses.set(request, address)
    return router.fetch(request)
  })
  const metrics = async () => {
    const gauges = [
      { name: 'wasm_drops', help: 'Instances of the wasm that were thrown away.', value: faces.drops },
      { name: 'streams', help: 'Open streams of frames.', value: streams?.open ?? 0 },
    ]
    return new Response(metricsText(driver.counters, gauges), {
      headers: { 'content-type': 'text/plain; version=0.0.4' },
    })
  }
  const beside = options.metrics_port === null ? null : await listen('127.0.0.1', options.metrics_port, metrics)
  return {
    port: main.port,
    metrics_port: beside?.port ?? null,
    stop: async () => {
      // A page opens another, of another process.
      streams?.end()
      await Promise.all([main.close(), beside?.close()])
      await opened.close()
    },
  }
}

async function openStore({ store, store_token }: Settings, publishes: boolean): Promise<Opened> {
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
  // What waits for a connection would be done late: it fails, and the client tries to reach the server again.
  const client = createClient({ url: store, disableOfflineQueue: true })
  client.on('error', (error: Error) => log('warn', 'redis', { message: error.message }))
  await client.connect()
  // A connection that listens can do nothing else. It subscribes again by itself when it was lost.
  const listener = createClient({ url: store })
  listener.on('error', (error: Error) => log('warn', 'redis', { message: error.message }))
  await listener.connect()
  const listen: Listen = async (room, hear) => {
    const channel = channelOf(PREFIX, room)
    await listener.subscribe(channel, hear)
    return () => void listener.unsubscribe(channel, hear).catch(() => undefined)
  }
  const handover = new Handover(new RedisStore(overTcp(client), { prefix: PREFIX, publishes }))
  return {
    store: handover,
    listen,
    close: async () => {
      await handover.release()
      listener.destroy()
      await client.close()
    },
  }
}

interface Listening {
  port: number
  close(): Promise<void>
}

function listen(
  hostname: string,
  port: number,
  answer: (request: Request, address: string | undefined) => Response | Promise<Response>,
): Promise<Listening> {
  return new Promise((listening, failed) => {
    const server = serve(
      {
        hostname,
        port,
        fetch: (request, { incoming }) => answer(request, incoming.socket.remoteAddress),
      },
      (address) => {
        const close = () => new Promise<void>((closed) => server.close(() => closed()))
        listening({ port: address.port, close })
      },
    )
    server.on('error', failed)
  })
}
