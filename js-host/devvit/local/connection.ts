/** A connection to the real Redis, on which a command is its words. Knows nothing of Devvit. */

import { createClient, RESP_TYPES } from '@redis/client'

/** What Redis answers, in the second version of its protocol. */
export type Raw = null | number | string | Buffer | Raw[]

const BYTES = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } }

function clientOf(url: string) {
  const client = createClient({ url, RESP: 2 })
  // Without a listener an error of the connection ends the process; what waits for an answer is told anyway.
  client.on('error', () => {})
  return client
}

export class Connection {
  readonly #url: string
  readonly #client: ReturnType<typeof clientOf>

  private constructor(url: string, client: ReturnType<typeof clientOf>) {
    this.#url = url
    this.#client = client
  }

  static async open(url: string): Promise<Connection> {
    const client = clientOf(url)
    await client.connect()
    return new Connection(url, client)
  }

  /** Another one to the same server. */
  another(): Promise<Connection> {
    return Connection.open(this.#url)
  }

  /** @throws what Redis says is wrong, as in `WRONGTYPE …` */
  async send(words: string[], as: 'text' | 'bytes' = 'text'): Promise<Raw> {
    return (await this.#client.sendCommand(words, as === 'bytes' ? BYTES : undefined)) as unknown as Raw
  }

  /** Every message of a channel of Redis from now on. The connection is good for nothing else then. */
  async listen(channel: string, listener: (message: string) => void): Promise<void> {
    await this.#client.subscribe(channel, listener)
  }

  close(): void {
    this.#client.destroy()
  }
}
