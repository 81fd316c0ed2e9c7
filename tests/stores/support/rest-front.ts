/**
 * What Upstash puts before a Redis server, as far as its client needs it: a command is a JSON array in a POST with a
 * bearer token; the answer is `{"result": …}`, with texts in base64 if the client wants that, or `{"error": …}`.
 */

import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { RedisClientType } from '@redis/client'

/** A front of one server. */
export class RestFront {
  readonly url: string
  readonly token: string
  /** Requests so far. */
  requests = 0
  readonly #server: Server

  private constructor(server: Server, url: string, token: string) {
    this.#server = server
    this.url = url
    this.token = token
  }

  static async start(client: RedisClientType): Promise<RestFront> {
    const token = crypto.randomUUID()
    let front: RestFront | null = null
    const server = createServer(async (request, response) => {
      if (front) front.requests += 1
      const [status, body] = await answer(client, request, token)
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    })
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    front = new RestFront(server, `http://127.0.0.1:${address.port}`, token)
    return front
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((closed) => this.#server.close(closed))
  }
}

async function answer(client: RedisClientType, request: IncomingMessage, token: string): Promise<[number, object]> {
  if (request.headers.authorization !== `Bearer ${token}`) return [401, { error: 'Unauthorized' }]
  if (request.method !== 'POST' || request.url !== '/') return [404, { error: 'Not Found' }]
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  const command = (JSON.parse(Buffer.concat(parts).toString()) as unknown[]).map(String)
  try {
    const result = await client.sendCommand(command)
    return [200, { result: request.headers['upstash-encoding'] === 'base64' ? inBase64(result) : result }]
  } catch (error) {
    return [400, { error: error instanceof Error ? error.message : 'ERR' }]
  }
}

function inBase64(result: unknown): unknown {
  if (Array.isArray(result)) return result.map(inBase64)
  return typeof result === 'string' && result !== 'OK' ? Buffer.from(result).toString('base64') : result
}
