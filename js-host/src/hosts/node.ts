/**
 * The host on Node: one process or many, over one Redis; or a single server with its rooms in memory. Decides which
 * store there is, and what a stop leaves behind. Everything that answers a request is the router's.
 */

import { serve } from '@hono/node-server'
import { serveStatic } from '@hono/node-server/serve-static'
import { createClient } from '@redis/client'
import { Hono } from 'hono'
import { Driver } from '../driver'
import { type Listen, Loudspeaker, Streams } from '../live'
import { type Face, Faces } from '../load/face'
import { log } from '../log'
import { metricsText } from '../metrics'
import { createRouter } from '../router'
import { Sessions } from '../session'
import { SettingError, settingsOf } from '../settings'
import { performer, type Store } from '../store'
import { MemoryStore } from '../stores/memory'
import { RedisStore } from '../stores/redis'
import { channelOf } from '../stores/redis-script'
import { overTcp } from '../stores/redis-scripts'

const VERSION = '0.1.0'
/** Before every key. */
const PREFIX = 'baton:'

/** What a process is started with. */
export interface NodeOptions {
  /** `memory`, or `redis://…` or `rediss://…` with user, password and database as usual. */
  store: string
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
  listen: Listen
  close(): Promise<void>
}

/** Starts it. @throws SettingError on a bad setting, and whatever the store says when it cannot be reached */
export async function startNode(options: NodeOptions): Promise<NodeHost> {
  const settings = settingsOf(options.environment)
  const faces = new Faces(options.makeFace, settings.rooms)
  const kinds = new Set(faces.current().kinds())
  const sessions = await Sessions.open(settings.keys, settings.audience)
  const opened = await openStore(options.store, options.push)
  const streams = new Streams(opened.listen)
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
    stream: options.push ? (kind, name) => streams.stream(`${kind}/${name}`) : null,
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
      { name: 'streams', help: 'Open streams of frames.', value: streams.open },
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
      streams.end()
      await Promise.all([main.close(), beside?.close()])
      await opened.close()
    },
  }
}

async function openStore(name: string, publishes: boolean): Promise<Opened> {
  if (name === 'memory') {
    const speaker = new Loudspeaker()
    const store = new MemoryStore(Date.now, (room, published) => speaker.publish(room, published))
    return { store, listen: speaker.listen, close: async () => {} }
  }
  if (!/^rediss?:\/\//.test(name)) throw new SettingError('the store is neither memory nor redis://…')
  // What waits for a connection would be done late: it fails, and the client tries to reach the server again.
  const client = createClient({ url: name, disableOfflineQueue: true })
  client.on('error', (error: Error) => log('warn', 'redis', { message: error.message }))
  await client.connect()
  // A connection that listens can do nothing else. It subscribes again by itself when it was lost.
  const listener = createClient({ url: name })
  listener.on('error', (error: Error) => log('warn', 'redis', { message: error.message }))
  await listener.connect()
  const listen: Listen = async (room, hear) => {
    const channel = channelOf(PREFIX, room)
    await listener.subscribe(channel, hear)
    return () => void listener.unsubscribe(channel, hear).catch(() => undefined)
  }
  const store = new RedisStore(overTcp(client), { prefix: PREFIX, publishes })
  return {
    store,
    listen,
    close: async () => {
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
