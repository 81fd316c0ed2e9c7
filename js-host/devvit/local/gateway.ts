/**
 * The gateway: one server for the outer page at `127.0.0.1` and for the embeds at `….localhost`, between them and the
 * processes of the app. Decides by the `Host` header alone who asks; numbers each request that it hands on.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Connection } from './connection.ts'
import type { Configuration } from './devvit-json.ts'
import { type Forward, serveEmbed } from './embed.ts'
import { type Answer, answerOf, ask, send } from './http.ts'
import { headersOf, INSTALLATION, MODERATOR, SUBREDDIT, sessionOf, type Viewer } from './identity.ts'
import { serveOuter } from './outer.ts'
import { type Post, postOf, postsOf } from './posts.ts'
import type { Processes } from './processes.ts'
import { type Calls, REQUEST_HEADER, ROUTE_HEADER } from './rpc.ts'
import type { Schedule } from './schedule.ts'
import type { Streams } from './streams.ts'

/** Of how many requests the routes are remembered. */
const REMEMBERED = 10_000

export class Gateway {
  readonly app: Configuration
  readonly redis: Connection
  readonly installation = INSTALLATION
  readonly port: number
  /** The outer page's origin. */
  readonly url: string
  readonly #server: Server
  readonly #sticky: boolean
  readonly #routes = new Map<string, string>()
  #numbered = 0
  #parts: { processes: Processes; streams: Streams; schedule: Schedule } | undefined

  private constructor(server: Server, port: number, app: Configuration, redis: Connection, sticky: boolean) {
    this.app = app
    this.redis = redis
    this.port = port
    this.url = `http://127.0.0.1:${port}`
    this.#server = server
    this.#sticky = sticky
  }

  /** Listens; serves nothing before `serve`. Port 0: a free one. `sticky`: a viewer of a post meets one process. */
  static async listen(port: number, app: Configuration, redis: Connection, sticky: boolean): Promise<Gateway> {
    const server = createServer()
    await new Promise<void>((listening, failed) => {
      server.once('error', failed)
      server.listen(port, '127.0.0.1', listening)
    })
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return new Gateway(server, address.port, app, redis, sticky)
  }

  serve(parts: { processes: Processes; streams: Streams; schedule: Schedule }): void {
    this.#parts = parts
    this.#server.on('request', (incoming, outgoing) => {
      this.#route(incoming, outgoing).catch((error: unknown) => {
        // Of what came in; what the app does wrong has become an answer by now.
        const known = error instanceof TypeError || error instanceof SyntaxError
        if (outgoing.headersSent) outgoing.destroy()
        else send(outgoing, answerOf(known ? 400 : 500, String(error)))
      })
    })
  }

  get processes(): Processes {
    return this.#part('processes')
  }

  get streams(): Streams {
    return this.#part('streams')
  }

  get schedule(): Schedule {
    return this.#part('schedule')
  }

  posts(): Promise<Post[]> {
    return postsOf(this.redis, this.installation)
  }

  /** Every request that was handed on, with the calls that it made, and all calls by name. */
  async calls(): Promise<Calls> {
    const { requests, calls } = await this.processes.calls()
    const all = [...this.#routes].map(([id, route]) => [id, requests[id] ?? { route, redis: 0, realtime: 0 }])
    return { requests: Object.fromEntries(all), calls }
  }

  /** Fires a trigger of `devvit.json`, as in `onAppInstall`. `more`: what the platform tells of it. */
  trigger(name: string, more: object = {}): Promise<Answer> {
    const installer = { id: MODERATOR.id, name: MODERATOR.name }
    return this.#internal(this.app.triggers[name], {
      type: name.replace(/^on/, ''),
      installer,
      subreddit: SUBREDDIT,
      ...more,
    })
  }

  /** Delivers a task of the scheduler once. */
  tick(name: string): Promise<Answer> {
    const task = this.app.tasks[name]
    return this.#internal(task?.endpoint, { name, ...(task?.data !== undefined && { data: task.data }) })
  }

  /** Presses a menu item of the subreddit. */
  press(at: number): Promise<Answer> {
    return this.#internal(this.app.menu[at]?.endpoint, { location: 'subreddit', targetId: SUBREDDIT.id }, MODERATOR)
  }

  async stop(): Promise<void> {
    this.#parts?.streams.stop()
    const closed = new Promise((done) => this.#server.close(done))
    this.#server.closeAllConnections()
    await closed
  }

  #part<Name extends 'processes' | 'streams' | 'schedule'>(name: Name) {
    if (!this.#parts) throw new Error('the gateway does not serve yet')
    return this.#parts[name]
  }

  async #route(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { host = '' } = incoming.headers
    if (host === `127.0.0.1:${this.port}`) return serveOuter(this, incoming, outgoing)
    if (host === `localhost:${this.port}`) {
      outgoing.writeHead(307, { location: this.url + (incoming.url ?? '/') }).end()
      return
    }
    const session = sessionOf(host)
    if (!session) return send(outgoing, answerOf(421, `nobody is ${host}`))
    const post = await postOf(this.redis, this.installation, session.post)
    if (!post) return send(outgoing, answerOf(404, `there is no post ${session.post}`))
    const answer = await serveEmbed(incoming, session, post, this.app, this.url, this.#forward)
    send(outgoing, answer, incoming.method)
  }

  readonly #forward: Forward = async (question, key) => {
    const port = await this.processes.pick(this.#sticky ? key : undefined)
    if (port === undefined) return answerOf(503, 'no process of the app lives')
    this.#numbered += 1
    const id = String(this.#numbered)
    const route = `${question.method} ${question.path.replace(/\?.*/, '')}`
    this.#routes.set(id, route)
    const [oldest] = this.#routes.keys()
    if (this.#routes.size > REMEMBERED && oldest !== undefined) this.#routes.delete(oldest)
    return ask(port, { ...question, headers: { ...question.headers, [REQUEST_HEADER]: id, [ROUTE_HEADER]: route } })
  }

  /** A request of the platform's own. */
  async #internal(path: string | undefined, body: object, viewer?: Viewer): Promise<Answer> {
    if (path === undefined) return answerOf(404, 'devvit.json has no such endpoint')
    const headers = { ...headersOf(this.app.name, viewer), 'content-type': 'application/json' }
    return this.#forward({ method: 'POST', path, headers, body: Buffer.from(JSON.stringify(body)) })
  }
}
