/**
 * Pages and readers of rules that do not ship: the program `edition`, which has the library's replica, with requests as this
 * host sends them. Decides how it is spoken to; must not know what is tested.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { BATON_TYPE, type Session } from '../device'
import { until } from './browser'
import { buildProgram, ROOT } from './cargo'
import type { Send } from './exchange'
import type { Logged } from './room-log'

const PROGRAM = join(ROOT, process.env.CARGO_TARGET_DIR ?? 'target', 'debug/edition')
const hex = (of: Uint8Array | number[]) => Buffer.from(of).toString('hex')

/** Rules by the name that the program has for them. */
export type Rules = 'account' | 'later' | 'doubled' | 'mended' | 'garden'

/** What a page shows. */
export interface Shown {
  v: number
  hash: string
  /** The version of its room's rules. */
  rules: number
  status: string
  pending: number
  number: number | null
  shown: Record<string, unknown> | null
}

/** What a log comes to under rules; or which frame they refuse. */
export interface Read {
  v?: number
  hash?: string
  /** From which frame on it is of which version. */
  versions?: [from: number, version: number][]
  shown?: Record<string, unknown>
  refuses?: number
}

export const buildEditions = (): Promise<void> => buildProgram('editions', 'edition')

/** Replays a log from its first frame on, every hash compared. */
export function replay(rules: Rules, log: Logged[]): Promise<Read> {
  return new Promise((done, failed) => {
    const child = execFile(PROGRAM, [rules, 'replay'], (error, said) =>
      error ? failed(error) : done(JSON.parse(said) as Read),
    )
    child.stdin?.end(log.map(({ stored }) => `${hex(stored)}\n`).join(''))
  })
}

/** A device of a user in their own room. */
export class Page {
  readonly #kind: string
  readonly #session: Session
  readonly #send: Send
  #child: ChildProcess
  #answers: AsyncIterator<string>
  /** Codes of its actions, in the order in which it was told them, by number: 0 is accepted. */
  readonly answers: [seq: number, code: number | null][] = []
  /** What else it was told. */
  readonly notes: string[] = []

  constructor(rules: Rules, session: Session, send: Send) {
    this.#kind = rules === 'garden' ? 'garden' : 'account'
    this.#session = session
    this.#send = send
    ;[this.#child, this.#answers] = start([rules, 'page', session.user, 'new', hex(randomBytes(16))])
  }

  /** The page dies, and one with these rules begins with the queue that is on disk. */
  async reload(rules: Rules): Promise<void> {
    const saved = (await this.#asked({ ask: 'save' })) as string
    this.close()
    ;[this.#child, this.#answers] = start([rules, 'page', this.#session.user, 'saved', saved])
  }

  /** Does something, as rules of this version encode it, without asking. */
  async act(version: number, body: number[]): Promise<number> {
    const done = await this.#asked({ ask: 'act', version, body: hex(body), now_ms: now() })
    const { seq } = done as { seq?: number }
    if (seq === undefined) throw new Error(`not taken: ${JSON.stringify(done)}`)
    return seq
  }

  async look(): Promise<Shown> {
    const { notes, ...shown } = (await this.#asked({ ask: 'look', now_ms: now() })) as Shown & {
      notes: { note: string; seq: number; code: number | null }[]
    }
    for (const { note, seq, code } of notes) {
      if (note === 'answer') this.answers.push([seq, code])
      else this.notes.push(note)
    }
    return shown
  }

  /** Asks its room once. Returns the code of a refusal. */
  async turn(): Promise<string | null> {
    const request = (await this.#asked({ ask: 'request', now_ms: now() })) as string
    const headers = { 'content-type': BATON_TYPE, authorization: `Bearer ${this.#session.token}` }
    const init = { method: 'POST', headers, body: new Uint8Array(Buffer.from(request, 'hex')) }
    const answer = await this.#send(`http://host/api/rooms/${this.#kind}/me`, init).catch(() => null)
    if (answer?.status === 200) {
      const reply = hex(new Uint8Array(await answer.arrayBuffer()))
      await this.#asked({ ask: 'receive', reply, now_ms: now() })
      return null
    }
    const refusal = (await answer?.json().catch(() => null)) as { code?: string; expected?: number } | null
    const { code = null, expected = null } = refusal ?? {}
    await this.#asked({ ask: 'refused', code, expected, now_ms: now() })
    return code
  }

  /** Asks until it is so; returns what is shown then. */
  async until(what: string, so: (shown: Shown) => boolean): Promise<Shown> {
    let last: Shown | undefined
    const found = until(what, 60_000, async () => {
      await this.turn()
      last = await this.look()
      return so(last) ? last : null
    })
    return found.catch((error: Error) => {
      throw new Error(`${error.message}; it shows ${JSON.stringify(last)}, was told ${this.notes}`)
    })
  }

  /** Asks until it is where a log ends. */
  follows(log: Logged[]): Promise<Shown> {
    return this.until('the end of the log', ({ hash }) => hash === log.at(-1)?.hash)
  }

  close(): void {
    this.#child.kill()
  }

  async #asked(ask: object): Promise<unknown> {
    this.#child.stdin?.write(`${JSON.stringify(ask)}\n`)
    const { value, done } = await this.#answers.next()
    if (done) throw new Error(`the page is gone: ${JSON.stringify(ask)}`)
    return JSON.parse(value as string)
  }
}

const now = () => Math.round(performance.now())

function start(words: string[]): [ChildProcess, AsyncIterator<string>] {
  const child = spawn(PROGRAM, words, { stdio: ['pipe', 'pipe', 'inherit'] })
  return [child, createInterface({ input: child.stdout })[Symbol.asyncIterator]()]
}
