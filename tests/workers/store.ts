/**
 * A Worker that is nothing but the rooms' objects: effects come by HTTP, in a list, and are performed
 * one after the other; their results go back. For tests of the store.
 */

import { bytes, decode, encode, list } from '../../js-host/src/codec'
import type { Bindings } from '../../js-host/src/hosts/workers'

export { RoomObject } from '../../js-host/src/hosts/workers'

export default {
  async fetch(request, { ROOMS }): Promise<Response> {
    const room = decodeURIComponent(new URL(request.url).pathname.slice(1))
    if (request.method !== 'POST') return new Response('here')
    try {
      const effects = decode(list(bytes), new Uint8Array(await request.arrayBuffer()))
      const results: Uint8Array[] = []
      for (const effect of effects) results.push(await ROOMS.get(ROOMS.idFromName(room)).perform(room, effect))
      return new Response(encode(list(bytes), results) as Uint8Array<ArrayBuffer>)
    } catch (error) {
      return new Response(String(error), { status: 500 })
    }
  },
} satisfies ExportedHandler<Required<Bindings>>
