/**
 * A local Devvit: a Redis that keeps nothing, processes of the app, a gateway in front. For `main.ts`, and for tests to
 * start within their own process.
 */

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Connection } from './connection.ts'
import { readConfiguration } from './devvit-json.ts'
import { type Faults, parseFaults } from './faults.ts'
import { freePort } from './free-port.ts'
import { Gateway } from './gateway.ts'
import { type Answer, ask } from './http.ts'
import { bridgeOf, hostOf, viewerOf } from './identity.ts'
import { addPost, postsOf } from './posts.ts'
import { accepts, type Extra, Processes } from './processes.ts'
import type { Calls } from './rpc.ts'
import { Schedule } from './schedule.ts'
import { Streams } from './streams.ts'

/** How long Redis may take to listen, in milliseconds. */
const START_MS = 20_000

export interface Options {
  /** How many processes of the app. */
  instances?: number
  faults?: Partial<Faults>
  /** Where the gateway listens; 0: a free port. */
  port?: number
  /** The app's `devvit.json`; `../devvit.json` by default. */
  config?: string
  /** The bundle of the server and the folder of the page, where they are not where `devvit.json` says. */
  server?: string
  client?: string
  /** Whether requests of a viewer of a post meet the same process; else any. */
  sticky?: boolean
  /** Whether the scheduler runs. */
  schedule?: boolean
  /** Variables of the app's processes, which the platform has none of: for tests of the app's settings. */
  variables?: Record<string, string>
  /** More for a process, by its number from 1: for tests of processes that differ. */
  extra?: (number: number) => Extra
  /** What the processes say; to the error output by default. */
  log?: (line: string) => void
}

export interface LocalDevvit {
  /** The outer page. */
  url: string
  port: number
  redis: string
  /** The outer page as a user (`undefined`: logged out) sees one post. */
  page(user: string | undefined, post: string, more?: { width?: number; height?: string }): string
  /** The default page of an embed by itself, without Reddit around it and without the data of its post. */
  embed(user: string | undefined, post: string): string
  /** A request of an embed's page, whose host name Node could not look up. */
  ask(
    user: string | undefined,
    post: string,
    path: string,
    init?: { method?: string; headers?: Record<string, string>; body?: string | Uint8Array },
  ): Promise<Answer>
  /** Makes another post. Returns its id. */
  post(title: string): Promise<string>
  faults(some: Partial<Faults>): void
  calls(): Promise<Calls>
  /** Kills one process of the app, and says which. */
  kill(): Promise<number | undefined>
  /** `more`: what the platform tells of it. */
  trigger(name: string, more?: object): Promise<Answer>
  tick(task: string): Promise<Answer>
  stop(): Promise<void>
}

interface Redis {
  url: string
  stop(): Promise<void>
}

/** A Redis of its own, that keeps nothing. @throws if there is none to start */
async function startRedis(): Promise<Redis> {
  const port = await freePort()
  const scratch = mkdtempSync(join(tmpdir(), 'baton-devvit-'))
  const usual = ['--port', String(port), '--bind', '127.0.0.1', '--dir', scratch, '--save', '', '--appendonly', 'no']
  const program = process.env.BATON_REDIS ?? 'redis-server'
  const child = spawn(program, usual, { stdio: 'ignore' })
  const gone = new Promise<void>((ended) => {
    child.once('exit', () => ended())
    child.once('error', () => ended())
  })
  // Whoever started it may end without a word.
  const leave = () => child.kill('SIGKILL')
  process.once('exit', leave)
  const stop = async () => {
    process.off('exit', leave)
    child.kill('SIGKILL')
    await gone
    rmSync(scratch, { recursive: true, force: true })
  }
  for (const until_ms = Date.now() + START_MS; Date.now() < until_ms; await pause(20)) {
    if (await accepts(port)) return { url: `redis://127.0.0.1:${port}`, stop }
    if (child.pid === undefined || child.exitCode !== null) break
  }
  await stop()
  throw new Error(`${program} cannot be started`)
}

export async function startLocal(options: Options = {}): Promise<LocalDevvit> {
  const { instances = 1, port = 0, sticky = false, schedule = true, variables = {}, log = console.error } = options
  const extra = options.extra ?? (() => ({}))
  const config = resolve(options.config ?? join(import.meta.dirname, '../devvit.json'))
  const written = readConfiguration(config)
  const app = {
    ...written,
    server: resolve(options.server ?? written.server),
    client: resolve(options.client ?? written.client),
  }
  const faults = parseFaults(options.faults ?? {})
  // Each is ended before what it depends on.
  const ends: (() => unknown)[] = []
  const stop = async () => {
    for (const end of ends.splice(0).reverse()) await end()
  }
  try {
    const server = await startRedis()
    ends.push(server.stop)
    const redis = await Connection.open(server.url)
    ends.push(() => redis.close())
    const listener = await redis.another()
    ends.push(() => listener.close())
    const gateway = await Gateway.listen(port, app, redis, sticky)
    ends.push(() => gateway.stop())
    const environment = {
      ...variables,
      BATON_LOCAL_REDIS: server.url,
      BATON_LOCAL_CONFIG: config,
      BATON_LOCAL_URL: gateway.url,
    }
    const processes = await Processes.start({ count: instances, server: app.server, environment, extra, faults, log })
    ends.push(() => processes.stop())
    const streams = await Streams.start(listener)
    const scheduled = new Schedule(
      schedule ? app.tasks : {},
      async (name) => (await gateway.tick(name)).status < 400,
      () => Math.random() < processes.faults.duplicate_tick,
    )
    ends.push(() => scheduled.stop())
    gateway.serve({ processes, streams, schedule: scheduled })
    if (app.triggers.onAppInstall) {
      const { status } = await gateway.trigger('onAppInstall')
      if (status >= 400) log(`onAppInstall was answered by ${status}`)
    }
    // An app that makes none when it is installed needs one all the same.
    if ((await postsOf(redis, gateway.installation)).length === 0) {
      await addPost(redis, gateway.installation, { title: `${app.name}: the first post`, entry: 'default', data: null })
    }
    return { ...faceOf(gateway), redis: server.url, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function faceOf(gateway: Gateway): Omit<LocalDevvit, 'redis' | 'stop'> {
  const { app, port, url } = gateway
  const originOf = (user: string | undefined, post: string) =>
    `http://${hostOf({ viewer: viewerOf(user), post })}:${port}`
  return {
    url,
    port,
    page: (user, post, { width, height } = {}) => {
      const query = new URLSearchParams({ post, ...(user && { user }), ...(height && { height }) })
      if (width !== undefined) query.set('width', String(width))
      return `${url}/?${query}`
    },
    embed: (user, post) => {
      const origin = originOf(user, post)
      const bare = { id: post, title: '', entry: 'default', data: null, created_ms: 0 }
      const context = JSON.stringify(bridgeOf(app, origin, viewerOf(user), bare, 'inline'))
      return `${origin}/${app.entrypoints.default?.entry}#${encodeURIComponent(context)}`
    },
    ask: (user, post, path, { method = 'GET', headers = {}, body = '' } = {}) =>
      ask(port, { method, path, headers, body: Buffer.from(body) }, new URL(originOf(user, post)).host),
    post: async (title) =>
      (await addPost(gateway.redis, gateway.installation, { title, entry: 'default', data: null })).id,
    faults: (some) => gateway.processes.change(parseFaults(some)),
    calls: () => gateway.calls(),
    kill: () => gateway.processes.kill(),
    trigger: (name, more) => gateway.trigger(name, more),
    tick: (task) => gateway.tick(task),
  }
}
