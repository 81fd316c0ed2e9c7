/**
 * Records what clients ask of rooms and are told, as the lines that `crates/sim/src/history/mod.rs` documents. Wraps a
 * client's `fetch`, so it works for every host. Decides which refusal is certain; must not know what is tested.
 */

import { blake3 } from '@noble/hashes/blake3.js'
import { bytes, list } from '../../../js-host/src/codec'
import type { Head } from '../../../js-host/src/effect'
import { decode, type Entry, encode, frame, type PRESENCE, type Reply, reply, request } from '../wire'

type Send = (url: string, init: RequestInit) => Promise<Response>

/** Of these it is not certain that nothing changed. */
const UNCERTAIN = new Set(['retry', 'internal', 'restarted'])
const SEGMENT = 64
const PRESENCES = ['unsaid', 'here', 'leaving'] as const

const hex = (of: Uint8Array, length = 8) =>
  Buffer.from(of.subarray(0, length))
    .toString('hex')
    .padEnd(2 * length, '0')
const bodyHash = (body: Uint8Array) => hex(blake3(body), 4)
const at = ({ v, hash }: Head) => [v, hex(hash)]
const versionOf = (stored: Uint8Array): [number, string] => [decode(frame, stored).v, hex(blake3(stored))]

/** A history while it happens. */
export class History {
  readonly #lines: object[] = []
  /** Full hashes of all frames that anybody was shown, for asking for blocks. */
  readonly #hashes = new Map<number, Uint8Array>()
  /** What has not ended yet. */
  readonly #open = new Set<Promise<Response>>()
  #ops = 0

  /** The same `fetch`, written down as what a client does. `deliver` may disturb it. */
  record(process: string, deliver: Send = fetch): Send {
    return (url, init) => {
      const room = /\/api\/rooms\/([^/]+\/[^/]+)$/.exec(url)?.[1]
      if (!room) return deliver(url, init)
      const sent = this.#send(this.#invoke(process, room, init.body as Uint8Array), deliver(url, init))
      this.#open.add(sent)
      const ended = () => this.#open.delete(sent)
      sent.then(ended, ended)
      return sent
    }
  }

  /**
   * Reads the whole log of a room from its host once all that was recorded has ended, and writes it down. Throws if it is
   * not to be had.
   */
  async log(host: string, room: string, ask: Send = fetch): Promise<void> {
    await Promise.allSettled(this.#open)
    const url = `${host}/api/rooms/${room}`
    const stored: Uint8Array[] = []
    const head = Math.max(...this.#hashes.keys())
    for (let last = SEGMENT; last <= head; last += SEGMENT) {
      const hash = Buffer.from(this.#hash(last)).toString('hex')
      const answer = await ask(`${url}/frames/${last - SEGMENT + 1}-${last}/${hash}`, {})
      if (answer.status !== 200) throw new Error(`no block up to ${last}: ${answer.status}`)
      stored.push(...decode(list(bytes), new Uint8Array(await answer.arrayBuffer())))
    }
    const v = stored.length
    const cursor = { v, hash: v === 0 ? new Uint8Array(16) : this.#hash(v) }
    const body = encode(request, { protocol: 1, cursor, rules: 1, frames: 1, device: null }) as Uint8Array<ArrayBuffer>
    const headers = { 'content-type': 'application/vnd.baton' }
    const answer = await ask(url, { method: 'POST', headers, body })
    const { news } = decode(reply, new Uint8Array(await answer.arrayBuffer()))
    if (news.tag !== 'frames') throw new Error(`the log ends with a ${news.tag}`)
    this.#enter(room, [...stored, ...news.frames])
  }

  /** Writes down the whole log of a room, wherever it was read, once all that was recorded has ended. */
  async ended(room: string, read: () => Promise<Uint8Array[]>): Promise<void> {
    await Promise.allSettled(this.#open)
    this.#enter(room, await read())
  }

  #enter(room: string, frames: Uint8Array[]): void {
    for (const one of frames) {
      const { previous, writer, epoch, nonce, entries } = decode(frame, one)
      this.#lines.push({
        type: 'frame',
        room,
        at: versionOf(one),
        previous: hex(previous),
        writer: hex(writer),
        epoch,
        nonce: hex(nonce),
        entries: entries.flatMap(judged),
      })
    }
  }

  /** One JSON object per line. */
  text(): string {
    return this.#lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  }

  #hash(v: number): Uint8Array {
    const hash = this.#hashes.get(v)
    if (!hash) throw new Error(`nobody was shown version ${v}`)
    return hash
  }

  async #send(op: number, sent: Promise<Response>): Promise<Response> {
    try {
      const answer = await sent
      this.#end(op, answer.status, new Uint8Array(await answer.clone().arrayBuffer()))
      return answer
    } catch (error) {
      this.#say('info', op, {})
      throw error
    }
  }

  #say(type: string, op: number, more: object): void {
    this.#lines.push({ type, op, time_ms: Math.round(performance.now()), ...more })
  }

  #invoke(process: string, room: string, body: Uint8Array): number {
    const { cursor, frames, device } = decode(request, body)
    this.#ops += 1
    const hail = device && {
      id: hex(device.id),
      number: device.number,
      answered: device.answered,
      kept_from: device.kept_from,
      presence: PRESENCES[device.presence as (typeof PRESENCE)['here']],
      actions: device.actions.map((sent) => [sent.seq, bodyHash(sent.body)]),
    }
    this.#say('invoke', this.#ops, { process, room, cursor: at(cursor), frames: frames === 1, device: hail })
    return this.#ops
  }

  #end(op: number, status: number, body: Uint8Array): void {
    if (status === 200) {
      this.#ok(op, decode(reply, body))
      return
    }
    const code = /"code":"(\w+)"/.exec(new TextDecoder().decode(body))?.[1]
    this.#say(code && !UNCERTAIN.has(code) ? 'fail' : 'info', op, code ? { code } : {})
  }

  #ok(op: number, { lineage, head, news, device }: Reply): void {
    if (head.v > 0) this.#hashes.set(head.v, head.hash)
    const shown = news.tag === 'frames' ? news.frames : []
    for (const stored of shown) this.#hashes.set(decode(frame, stored).v, blake3(stored).subarray(0, 16))
    const told =
      news.tag === 'frames' ? { frames: shown.map(versionOf) } : { [news.tag]: hex(news.room.subarray(1, 9)) }
    this.#say('ok', op, { lineage: hex(lineage), head: at(head), news: told, ...(device ? { device } : {}) })
  }
}

/** What of an entry concerns marks and lineages. */
function judged(entry: Entry): object[] {
  switch (entry.tag) {
    case 'act':
      return [{ act: [entry.device, entry.seq, 0, bodyHash(entry.body)] }]
    case 'reject':
      return [{ act: [entry.device, entry.seq, entry.code, hex(entry.body, 4)] }]
    case 'vouch':
      return [{ vouch: [entry.device, entry.mark] }]
    case 'evict':
      return [{ evict: entry.device }]
    case 'reset':
      return [{ reset: hex(entry.lost) }]
    default:
      return []
  }
}
