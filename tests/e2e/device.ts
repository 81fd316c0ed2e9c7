/** A device that speaks the wire by hand: joins, acts, asks. */

import { randomBytes } from 'node:crypto'
import { nothing } from '../../js-host/src/effect'
import { decode, encode, type Hail, PRESENCE, type Reply, type Request, reply, request } from './wire'

export const BATON_TYPE = 'application/vnd.baton'

/** How a request is sent. */
type Send = (url: string, init: RequestInit) => Promise<Response>

/** A guest's session. */
export interface Session {
  token: string
  user: string
  name: string
}

/** A new guest's session. */
export async function guest(url: string, send: Send = fetch): Promise<Session> {
  const response = await send(`${url}/api/session`, {
    method: 'POST',
    body: '{}',
    headers: { 'content-type': 'application/json' },
  })
  if (response.status !== 200) throw new Error(`no session: ${response.status} ${await response.text()}`)
  return (await response.json()) as Session
}

/** Status and code of a refusal, or status alone. */
export async function codeOf(response: Response): Promise<string> {
  const body = await response.text()
  const code = /"code":"(\w+)"/.exec(body)?.[1]
  return code ? `${response.status} ${code}` : `${response.status}`
}

/** One installation of one user in one room. */
export class Device {
  readonly id = new Uint8Array(randomBytes(16))
  number: number | null = null
  seq = 0
  readonly url: string
  readonly session: Session
  readonly #way: Send

  constructor(url: string, room: string, session: Session, way: Send = fetch) {
    this.url = `${url}/api/rooms/${room}`
    this.session = session
    this.#way = way
  }

  /** What the device would say. */
  hail(more: Partial<Hail> = {}): Hail {
    return {
      id: this.id,
      number: this.number,
      session: 1,
      client: 1,
      presence: PRESENCE.unsaid,
      answered: 0,
      kept_from: 1,
      actions: [],
      ...more,
    }
  }

  /** A request, encoded. */
  request(device: Hail | null, more: Partial<Request> = {}): Uint8Array {
    return encode(request, { protocol: 1, cursor: nothing(), rules: 1, frames: 1, device, ...more })
  }

  send(body: Uint8Array | string, headers: Record<string, string> = {}): Promise<Response> {
    const authorization = `Bearer ${this.session.token}`
    return this.#way(this.url, {
      method: 'POST',
      body: body as Uint8Array<ArrayBuffer>,
      headers: { 'content-type': BATON_TYPE, authorization, ...headers },
    })
  }

  /** Asks, and reads the reply. Throws for a refusal. */
  async ask(device: Hail | null, more: Partial<Request> = {}): Promise<Reply> {
    const response = await this.send(this.request(device, more))
    if (response.status !== 200) throw new Error(await codeOf(response))
    const answer = decode(reply, new Uint8Array(await response.arrayBuffer()))
    if (answer.device) this.number = answer.device.number
    return answer
  }

  /** Joins and asks until it is registered. */
  async join(): Promise<void> {
    await until(async () => (await this.ask(this.hail({ presence: PRESENCE.here }))).device !== null)
  }

  /** Sends actions with the next numbers, and asks until each has its verdict. Returns the verdicts. */
  async act(...bodies: number[][]): Promise<number[]> {
    const actions = bodies.map((body, at) => ({ seq: this.seq + at + 1, version: 1, body: new Uint8Array(body) }))
    const answered = this.seq
    this.seq += bodies.length
    let standing = (await this.ask(this.hail({ answered, actions }))).device
    await until(async () => {
      if ((standing?.mark ?? 0) >= this.seq) return true
      standing = (await this.ask(this.hail({ answered }))).device
      return false
    })
    return standing?.verdicts ?? []
  }
}

/** Asks every 20 ms until it is so; at most 10 s. */
export async function until(so: () => Promise<boolean>): Promise<void> {
  for (const began_ms = Date.now(); Date.now() - began_ms < 10_000; ) {
    if (await so()) return
    await new Promise((done) => setTimeout(done, 20))
  }
  throw new Error('it did not come to that within 10 s')
}
