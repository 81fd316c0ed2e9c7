/**
 * One room's Durable Object: its store; its sockets, which get what is published of each appended
 * frame; and, in embedded mode, the handler itself. Only the Worker can call it, so whoever asks
 * here was verified there. Must not know what is in a frame.
 */

import { DurableObject } from 'cloudflare:workers'
import { decode, encode } from '../codec'
import { Driver } from '../driver'
import * as wire from '../effect'
import { refusal } from '../errors'
import { MAX_SOCKETS } from '../limits'
import { log } from '../log'
import { LIVE_PROTOCOL } from '../router'
import { settingsOf } from '../settings'
import { type Performer, performer } from '../store'
import { ObjectStore } from '../stores/object'
import { facesOf } from './isolate'
import type { Bindings } from './workers'

/** The first byte of an encoded effect that writes nothing. */
const READ = 0

/** The object of one room. */
export class RoomObject extends DurableObject<Bindings> {
  readonly #local: Performer
  #driver: Driver | null = null

  constructor(context: DurableObjectState, bindings: Bindings) {
    super(context, bindings)
    const publish = (published: Uint8Array) => this.#publish(published)
    this.#local = performer(new ObjectStore(context.storage, { appended: publish }))
    // Answered by the platform while the object sleeps: the one thing on a socket beside frames.
    context.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'))
  }

  /** Stateless mode: performs an effect of a handler elsewhere. The reply waits until it is on disk. */
  perform(room: string, effect: Uint8Array): Promise<Uint8Array> {
    return this.#local.perform(room, effect)
  }

  /** Embedded mode: answers arrivals. */
  async ask(kind: string, name: string, arrivals: Uint8Array): Promise<Uint8Array> {
    this.#driver ??= this.#makeDriver()
    return encode(wire.outcomes, await this.#driver.askAll(kind, name, decode(wire.arrivals, arrivals)))
  }

  /** Embedded mode: takes what another room sends. */
  async receive(kind: string, name: string, arrivals: Uint8Array, hops: number): Promise<Uint8Array> {
    this.#driver ??= this.#makeDriver()
    const [parcel] = decode(wire.arrivals, arrivals)
    return encode(wire.outcomes, parcel ? [await this.#driver.receive(kind, name, parcel, hops)] : [])
  }

  /** Opens a live socket. The Worker asked the handler before whether the caller may watch. */
  override fetch(): Response {
    if (this.ctx.getWebSockets().length >= MAX_SOCKETS) {
      const { status, body } = refusal('busy')
      return new Response(body as Uint8Array<ArrayBuffer>, { status, headers: { 'content-type': 'application/json' } })
    }
    const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket]
    this.ctx.acceptWebSocket(server)
    return new Response(null, {
      status: 101,
      webSocket: client,
      headers: { 'sec-websocket-protocol': LIVE_PROTOCOL },
    })
  }

  /** Nothing is expected on a socket: who sends something speaks another protocol. */
  override webSocketMessage(socket: WebSocket): void {
    socket.close(1003, 'nothing is read here')
  }

  /** Answers the other side's close: without that its browser waits ten seconds to call the socket closed. */
  override webSocketClose(socket: WebSocket): void {
    try {
      socket.close(1000)
    } catch {
      // Closed on both sides already.
    }
  }

  #makeDriver(): Driver {
    const settings = settingsOf(this.env)
    const faces = facesOf(settings)
    return new Driver({
      faces,
      store: {
        perform: async (room, effect) => {
          const result = await this.#local.perform(room, effect)
          // Until a write is on disk those that arrive wait: they share the next commit.
          if (effect[0] !== READ) await this.ctx.storage.sync()
          return result
        },
      },
      store_timeout_ms: settings.store_timeout_ms,
      delivers: new Set(faces.current().kinds()),
      elsewhere: async (kind, name, arrival, hops) => {
        const { ROOMS } = this.env
        if (!ROOMS) return refusal('retry')
        const room = ROOMS.get(ROOMS.idFromName(`${kind}/${name}`))
        const answer = await room.receive(kind, name, encode(wire.arrivals, [arrival]), hops)
        const [outcome] = decode(wire.outcomes, answer)
        return outcome ?? refusal('retry')
      },
      note: (event, fields) => log('warn', event, fields),
    })
  }

  /** To all sockets; what is sent leaves the object only when the frame is on disk. */
  #publish(published: Uint8Array): void {
    if (published.length === 0) return
    for (const socket of this.ctx.getWebSockets()) {
      try {
        socket.send(published)
      } catch {
        // Closing already: its client asks for what it lacks.
      }
    }
  }
}
