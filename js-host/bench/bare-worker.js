/** The peer of the benches: a Worker whose every request is one read and one write of one object. */

import { DurableObject } from 'cloudflare:workers'

export class Bare extends DurableObject {
  constructor(context, bindings) {
    super(context, bindings)
    context.storage.sql.exec('CREATE TABLE IF NOT EXISTS room (id INTEGER PRIMARY KEY, state BLOB)')
  }

  perform(state) {
    const { sql } = this.ctx.storage
    const [row] = sql.exec('SELECT state FROM room WHERE id = 1').toArray()
    sql.exec('INSERT OR REPLACE INTO room (id, state) VALUES (1, ?)', state)
    return row ? row.state : null
  }
}

export default {
  async fetch(request, { ROOMS }) {
    const state = await request.arrayBuffer()
    const before = await ROOMS.get(ROOMS.idFromName('hot')).perform(state)
    return new Response(before)
  },
}
