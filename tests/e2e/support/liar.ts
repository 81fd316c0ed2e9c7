/**
 * Fronts that lie: they pass requests on to a host and change what comes of it, as a broken host would. Decides what a lie
 * is; must not know who is to find it out.
 */

import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decode, encode, type Hail, PRESENCE, type Reply, type Request, reply, request } from '../wire'

/** A request as it came, and as it may be passed on. */
export interface Asked {
  method: string
  path: string
  headers: Record<string, string>
  body: Uint8Array
}

/** What a host answers. */
interface Answered {
  status: number
  type: string
  body: Uint8Array
}

/** Asks the host behind the front. */
type Pass = (asked: Asked) => Promise<Answered>

/** Answers a request of a player to a room, more or less as the host does. */
export type Lie = (asked: Asked, pass: Pass) => Promise<Answered>

/** A front; whoever asks it asks the host, but for the lie. Without streams: who plays there asks for frames. */
export class Liar {
  readonly url: string
  readonly stop: () => Promise<void>

  private constructor(url: string, stop: () => Promise<void>) {
    this.url = url
    this.stop = stop
  }

  static async start(host: string, lie: Lie): Promise<Liar> {
    const pass: Pass = async ({ method, path, headers, body }) => {
      const sent = method === 'GET' ? null : (body as Uint8Array<ArrayBuffer>)
      const response = await fetch(host + path, { method, headers, body: sent })
      const type = response.headers.get('content-type') ?? ''
      return { status: response.status, type, body: new Uint8Array(await response.arrayBuffer()) }
    }
    const server = createServer(async (incoming, outgoing) => {
      const parts: Buffer[] = []
      for await (const part of incoming) parts.push(part as Buffer)
      const { 'content-type': type = '', authorization = '' } = incoming.headers
      const asked = {
        method: incoming.method ?? 'GET',
        path: incoming.url ?? '/',
        headers: { 'content-type': type, ...(authorization ? { authorization } : {}) },
        body: new Uint8Array(Buffer.concat(parts)),
      }
      const answered = await (asked.path.startsWith('/api/rooms/') ? lie(asked, pass) : pass(asked))
      outgoing.writeHead(answered.status, { 'content-type': answered.type }).end(answered.body)
    })
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    const { port } = server.address() as AddressInfo
    const stop = () =>
      new Promise<void>((stopped) => {
        server.close(() => stopped())
        server.closeAllConnections()
      })
    return new Liar(`http://127.0.0.1:${port}`, stop)
  }
}

/** Passes everything on. */
export const honest: Lie = (asked, pass) => pass(asked)

/** Says of the first device that it has its actions, and throws them away. */
export function losing(): Lie {
  let victim: string | null = null
  return async (asked, pass) => {
    const sent = decode(request, asked.body)
    const { device } = sent
    if (!device?.number || device.actions.length === 0) return pass(asked)
    const id = device.id.join()
    victim ??= id
    if (victim !== id) return pass(asked)
    const answered = await pass({ ...asked, body: encode(request, { ...sent, device: { ...device, actions: [] } }) })
    if (answered.status !== 200) return answered
    const told: Reply = decode(reply, answered.body)
    const mark = device.actions.at(-1)?.seq ?? 0
    const verdicts = device.actions.map(() => 0)
    const standing = { number: device.number, mark, verdicts }
    return { ...answered, body: encode(reply, { ...told, device: standing }) }
  }
}

/** Sends every action a second time, from another device of the same user. */
export function doubling(): Lie {
  const copies = new Map<string, { id: Uint8Array; number: number | null; seq: number }>()
  return async (asked, pass) => {
    const sent = decode(request, asked.body)
    const answered = await pass(asked)
    if (!sent.device?.actions.length) return answered
    const key = sent.device.id.join()
    const copy = copies.get(key) ?? { id: new Uint8Array(randomBytes(16)), number: null, seq: 0 }
    copies.set(key, copy)
    const action = sent.device.actions[0]
    const actions = copy.number === null || !action ? [] : [{ ...action, seq: copy.seq + 1 }]
    const hail: Hail = { ...sent.device, ...copy, presence: PRESENCE.here, answered: copy.seq, kept_from: 1, actions }
    const again: Request = { ...sent, frames: 0, device: hail }
    const told = await pass({ ...asked, body: encode(request, again) })
    const standing = told.status === 200 ? decode(reply, told.body).device : null
    if (standing) Object.assign(copy, { number: standing.number, seq: standing.mark })
    return answered
  }
}

/** Lets half of the users play in another room. */
export function splitting(): Lie {
  const users = new Map<string, boolean>()
  return (asked, pass) => {
    const user = asked.headers.authorization ?? ''
    const elsewhere = users.get(user) ?? users.size % 2 === 1
    users.set(user, elsewhere)
    return pass({ ...asked, path: elsewhere ? `${asked.path}-elsewhere` : asked.path })
  }
}
