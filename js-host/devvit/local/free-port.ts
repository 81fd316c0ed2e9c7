/**
 * Ports for servers that are started with one. Below the ports that systems deal to whoever asks for any (from 32,768 on
 * Linux, 49,152 elsewhere): one of those may be dealt to somebody else, as to a listener of the very server, before the
 * server takes it.
 */

import { createServer } from 'node:net'

const FIRST = 20_000
const COUNT = 12_768
/** Processes begin at different ones; one process does not give the same again soon. */
let next = Math.floor(Math.random() * COUNT)

/** A port of loopback that nobody listens on now. @throws if there is none */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < COUNT; tried += 1) {
    const port = FIRST + next
    next = (next + 1) % COUNT
    if (await isFree(port)) return port
  }
  throw new Error(`somebody listens on each port from ${FIRST} to ${FIRST + COUNT - 1}`)
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((tried) => {
    server.once('error', () => tried(false))
    server.listen(port, '127.0.0.1', () => server.close(() => tried(true)))
  })
}
