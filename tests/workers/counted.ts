/**
 * The product's Worker, with an object that counts what it is asked; and a way past the counting, for a handler that runs
 * elsewhere. For tests of what a request costs.
 */

import product, { type Bindings as Product, RoomObject as Room } from '../../js-host/src/hosts/workers'

/** Calls that arrived so far. */
export interface Counted {
  /** Of stateless handlers: round trips to the store. */
  perform: number
  /** Of the handler inside. */
  ask: number
}

export class RoomObject extends Room {
  readonly #counted: Counted = { perform: 0, ask: 0 }

  override perform(room: string, effect: Uint8Array): Promise<Uint8Array> {
    this.#counted.perform += 1
    return super.perform(room, effect)
  }

  override ask(kind: string, name: string, arrivals: Uint8Array): Promise<Uint8Array> {
    this.#counted.ask += 1
    return super.ask(kind, name, arrivals)
  }

  performElsewhere(room: string, effect: Uint8Array): Promise<Uint8Array> {
    return super.perform(room, effect)
  }

  counted(): Counted {
    return this.#counted
  }
}

interface Bindings extends Product {
  ROOMS: DurableObjectNamespace<RoomObject>
}

export default {
  async fetch(request, bindings, context): Promise<Response> {
    const [, what, ...room] = new URL(request.url).pathname.split('/')
    const name = room.join('/')
    const object = () => bindings.ROOMS.get(bindings.ROOMS.idFromName(name))
    if (what === 'counted') return Response.json(await object().counted())
    if (what === 'elsewhere') {
      const effect = new Uint8Array(await request.arrayBuffer())
      return new Response((await object().performElsewhere(name, effect)) as Uint8Array<ArrayBuffer>)
    }
    return product.fetch(request, bindings, context)
  },
} satisfies ExportedHandler<Bindings>
