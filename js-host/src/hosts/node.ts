/**
 * The host on Node: one process or many, over one Redis; or a single server with its rooms in memory. Decides what is
 * listened to, and what a stop leaves behind. Everything that answers a request is the router's.
 */

import { serve } from '@hono/node-server'
import { serveStatic } from '@hono/node-server/serve-static'
import { Hono } from 'hono'
import { AtOnce } from '../at-once'
import { Driver } from '../driver'
import { Streams } from '../live'
import { type Face, Faces } from '../load/face'
import { log } from '../log'
import { metricsText } from '../metrics'
import { createRouter } from '../router'
import { Sessions } from '../session'
import { settingsOf } from '../settings'
import { performer } from '../store'
import { Measured } from '../stores/measured'
import { openStore } from './node-store'

const VERSION = '0.1.0'

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

/** Starts it. @throws SettingError on a bad setting, and whatever the store says when it cannot be reached */
export async function startNode(options: NodeOptions): Promise<NodeHost> {
  const settings = settingsOf(options.environment)
  const { address_header: header } = settings
  const faces = new Faces(options.makeFace, settings.rooms)
  const kinds = new Set(faces.current().kinds())
  const sessions = await Sessions.open(settings.keys, settings.audience)
  const opened = await openStore(settings, options.push)
  const { listen: listens } = opened
  const measured = new Measured(opened.store)
  const streams = options.push && listens ? new Streams(listens) : null
  const driver = new Driver({
    faces,
    store: performer(measured),
    store_timeout_ms: settings.store_timeout_ms,
    delivers: kinds,
    note: (event, fields) => log('warn', event, fields),
  })
  const atOnce = new AtOnce()
  const pages = new Hono().use('*', serveStatic({ root: options.page }))
  const router = createRouter({
    settings,
    callers: sessions,
    kinds,
    personal: new Set(faces.current().personalKinds()),
    holds: false,
    ask: (kind, name, arrival) => atOnce.ask(() => driver.ask(kind, name, arrival)),
    live: null,
    stream: streams && ((kind, name) => streams.stream(`${kind}/${name}`)),
    address: (request) => {
      // What comes before the last one is what the caller said.
      const named = header && request.headers.get(header)?.split(',').at(-1)?.trim()
      return named || (addresses.get(request) ?? null)
    },
    health: () => ({ version: VERSION, mode: 'stateless', ...driver.counters }),
    page: async (request) => pages.fetch(request),
  })
  const addresses = new WeakMap<Request, string>()
  const main = await listen(options.hostname, options.port, (request, address) => {
    if (address !== undefined) addresses.set(request, address)
    return router.fetch(request)
  })
  const metrics = async () => {
    const text = metricsText({
      counters: driver.counters,
      more: [{ name: 'wasm_drops', help: 'Instances of the wasm that were thrown away.', value: faces.drops }],
      gauges: [
        { name: 'streams', help: 'Open streams of frames.', value: streams?.open ?? 0 },
        { name: 'warm_rooms', help: 'Rooms that are kept in memory.', value: faces.warmRooms() },
        { name: 'requests_in_hand', help: 'Requests to rooms without an answer.', value: atOnce.count },
        { name: 'waiting_requests', help: 'Requests that wait for others of their room.', value: driver.waiting },
      ],
      distributions: measured.distributions,
    })
    return new Response(text, {
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
