/** Light players over HTTP. Decides nothing: what a request is, and what a reply means, is theirs. */

import { Light } from './light'
import type { Server } from './server'

/** A player with a session of its own. */
export class Caller {
  readonly light: Light
  readonly #url: string
  readonly #token: string
  /** Bytes of all bodies so far. */
  readonly bytes = { up: 0, down: 0 }

  constructor(server: Server, room: string, index: number, token: string) {
    this.light = new Light(index)
    this.#url = `${server.origin}/api/rooms/contagion/${room}`
    this.#token = token
  }

  /** One request with so many new actions; `frames`: with what is new of the room. */
  async ask(presence: 'here' | 'unsaid', actions: number, frames = false): Promise<void> {
    const sent = this.light.request(presence, actions, frames)
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.baton', authorization: `Bearer ${this.#token}` },
      body: sent as Uint8Array<ArrayBuffer>,
    })
    const body = new Uint8Array(await response.arrayBuffer())
    if (response.status !== 200) throw new Error(`${response.status} ${new TextDecoder().decode(body)}`)
    this.bytes.up += sent.length
    this.bytes.down += body.length
    this.light.reply(body)
  }

  /** Asks until it is registered. */
  async join(): Promise<void> {
    for (let tries = 0; this.light.number === null; tries++) {
      if (tries > 100) throw new Error('a player could not join')
      await this.ask('here', 0)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

/** A guest's session. */
export async function guest(server: Server): Promise<{ token: string; user: string }> {
  const response = await fetch(`${server.origin}/api/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  if (!response.ok) throw new Error(`no session: ${response.status} ${await response.text()}`)
  return (await response.json()) as { token: string; user: string }
}

/** Players who have joined a room. */
export async function join(server: Server, room: string, count: number): Promise<Caller[]> {
  const callers: Caller[] = []
  for (let index = 0; index < count; index++) {
    callers.push(new Caller(server, room, index, (await guest(server)).token))
  }
  await Promise.all(callers.map((caller) => caller.join()))
  return callers
}
