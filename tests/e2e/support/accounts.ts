/**
 * Accounts on a host, as the laws that they keep are looked at: what is shown of one, what is kept of its game byte by byte,
 * what its operator sends, and what the program `baton` makes of its log. Must not know what is tested.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fixed, list, Reader, struct, u32, u64 } from '../../../js-host/src/codec'
import type { Head } from '../../../js-host/src/effect'
import { BATON_TYPE, Device, guest, type Session } from '../device'
import type { Build } from '../server'
import { decode, type Entry } from '../wire'
import { until } from './browser'
import { buildProgram, runProgram } from './cargo'
import { Host, type HostName } from './hosts'
import { Keeper } from './keeper'
import { ask, register } from './packets'
import type { Logged } from './room-log'

const PROGRAM = ['baton-cli', 'baton'] as const
const KEY = 'operator'.padEnd(43, '0')
const PATIENCE_MS = 60_000
/** Seeds in hand, once all were dealt. */
const SEEDS = 6

/** How many missing frames still come as frames: N. */
export const RECENT = 8
const PACE = { frame_ms: 20, lease_ms: 40, poll_ms: 50, recent: RECENT }

/** Actions, as they are encoded. */
export const volume = (value: number) => [4, 0, value]
export const look = (value: number) => [3, value]
/** Both are sold for scrap. */
export const BUY_RAINCOAT = [2, 0]
export const BUY_WELDER = [2, 1]
/** What it is not sold for: coins alone buy it. */
export const BUY_NURSE = [2, 2]
/** A look that there is not. */
export const NO_LOOK = look(200)
/** The server's: gives, or takes where it is below 0. */
export const grant = (coins: number, scrap: number) => [9, ...signed(coins), ...signed(scrap)]

/** An integer, seven bits a byte. */
export function varint(value: bigint | number): number[] {
  const rest = BigInt(value)
  return rest < 0x80n ? [Number(rest)] : [Number(rest & 0x7fn) | 0x80, ...varint(rest >> 7n)]
}
const signed = (value: number) => varint(value < 0 ? -2 * value - 1 : 2 * value)

/** A host's rooms' order of things: device, its number for what was done, and the body or the code. */
export type Done = [device: number, seq: number, what: number[] | number]

/** Changes of rules in a log: in which frame, and to which version. */
export const switchesIn = (log: Logged[]): [v: number, version: number][] =>
  log.flatMap(({ v, entries }) =>
    entries.flatMap((entry): [number, number][] => (entry.tag === 'switch' ? [[v, entry.version]] : [])),
  )

/** What devices did that was accepted or not, in the log's order. */
export function doneIn(log: Logged[]): Done[] {
  const of = (entry: Entry): Done[] => {
    if (entry.tag === 'act') return [[entry.device, entry.seq, [...entry.body]]]
    return entry.tag === 'reject' ? [[entry.device, entry.seq, entry.code]] : []
  }
  return log.flatMap(({ entries }) => entries.flatMap(of))
}

/** What an entry is told to be. */
export interface Told {
  sequence: number
  v: number
  entry: string
  action?: unknown
  device?: number
  number?: number
  code?: number
  sender?: string
}

/** How somebody would change under other rules. */
export interface Change {
  room: string
  /** The first entry that comes to something else. */
  first: { action?: unknown } | null
  /** What would be refused or taken instead. */
  verdicts: { told: { action?: unknown }; would: unknown }[]
  state: { path: string; before: unknown; after: unknown }[]
}

/** A log, as the program reads it. */
export interface Read {
  /** From the first frame on: null if it is not sound. */
  replayed(): Promise<{ sequence: number; hash: string } | null>
  told(): Promise<Told[]>
  /** The state right after the action with this sequence. */
  at(sequence: number): Promise<Record<string, unknown>>
}

/** What stands in a room's bytes before the game: see `crates/baton/src/room/snapshot.rs` and `mod.rs`. */
const HEADER_BYTES = 38
const before = struct({
  ...{ v: u64, lineage: fixed(8), writer: fixed(8), epoch: u64, tick: u64, time_ms: u64, base_ms: u64 },
  rules: list(struct({ rules: fixed(16), version: u32, from_v: u64 })),
})

/** What the log has of a lineage: see `crates/baton/src/parcel.rs`. */
const receipt = struct({ protocol: fixed(1), mark: u64, body: fixed(4) })

/** What can be seen of an account. */
export interface Seen {
  head: { v: number; hash: string }
  /** What its user is shown, as text. */
  view: string
}

const variables = (rules: Record<string, number> = {}) => ({
  BATON_ROOMS: JSON.stringify({ ...PACE, rules }),
  BATON_ADMIN_KEY: KEY,
})
const hex = (of: Uint8Array) => Buffer.from(of).toString('hex')
export const headOf = ({ v, hash }: Head) => ({ v, hash: hex(hash) })

export class Accounts {
  readonly host: Host
  readonly #scratch = mkdtempSync(join(tmpdir(), 'baton-accounts-'))
  #sent = 0
  #files = 0
  /** What is deployed. */
  #runs: string

  private constructor(host: Host, build?: Build) {
    this.host = host
    this.#runs = JSON.stringify([{}, build])
  }

  static async open(name: HostName, build?: Build): Promise<Accounts> {
    await buildProgram(...PROGRAM)
    return new Accounts(await Host.open(name, variables(), build), build)
  }

  /**
   * Deploys a build that wants rooms on these versions of their rules, by kind; what ships, unless another one is named.
   * Nothing happens if it runs already.
   */
  async deploy(rules: Record<string, number>, build?: Build): Promise<void> {
    const runs = JSON.stringify([rules, build])
    if (runs === this.#runs) return
    this.#runs = runs
    await this.host.deploy({ variables: variables(rules), build })
  }

  user(): Promise<Session> {
    return guest(this.host.url, this.host.send)
  }

  /** A device by hand, which is registered; the account has nothing more to do by itself. */
  async device(session: Session): Promise<Device> {
    const device = new Device(this.host.url, 'account/me', session, this.host.send)
    await register(device)
    await until('seeds', PATIENCE_MS, async () => {
      await ask(device)
      return ((await this.view(session)).seeds as unknown[]).length === SEEDS
    })
    return device
  }

  /** A device by the client's wasm, which knows the account. */
  async keeper(session: Session, clock?: () => number): Promise<Keeper> {
    const keeper = new Keeper(this.host.url, session, this.host.send, clock)
    await keeper.until('the account', ({ seeds }) => seeds.length === SEEDS)
    return keeper
  }

  async view(session: Session): Promise<Record<string, unknown>> {
    return (await this.shown(session)).game
  }

  /** The same, with the version of the rules and what else is shown of any room. */
  async shown(session: Session): Promise<{ version: number; game: Record<string, unknown>; code?: string }> {
    return JSON.parse(await this.#view(session))
  }

  /** What can be seen, by one process after the other where there are several. */
  async seen(device: Device): Promise<Seen> {
    return { head: headOf((await ask(device)).head), view: await this.#view(device.session) }
  }

  async log({ user }: Session, kind = 'account'): Promise<Logged[]> {
    return this.host.log(`${kind}/${user}`)
  }

  /** The bytes of a room from its game on, up to what is kept of a device: the game, its chances, its players. */
  async game(device: Device): Promise<string> {
    // Whoever comes from another history is sent the room.
    const { news } = await ask(device, { cursor: { v: 1, hash: new Uint8Array(16).fill(0xff) } })
    const room = news.tag === 'frames' ? null : news.room.slice(HEADER_BYTES)
    const to = room ? Buffer.from(room).indexOf(device.id) : -1
    if (!room || to < 0) throw new Error('there is no room with this device')
    const from = new Reader(room)
    before.read(from)
    return hex(room.slice(room.length - from.left, to))
  }

  /** Has the operator do something, and waits until the log has it. The same lineage again is the same action. */
  async operate({ user }: Session, action: number[], lineage = this.#lineage()): Promise<void> {
    const url = `${this.host.url}/api/admin/rooms/account/${user}/send/${lineage}`
    const headers = { authorization: `Bearer ${KEY}`, 'content-type': BATON_TYPE }
    await until('a receipt', PATIENCE_MS, async () => {
      const answer = await this.host.send(url, { method: 'POST', headers, body: new Uint8Array(action) })
      if (answer.status !== 200) throw new Error(`not taken: ${answer.status} ${await answer.text()}`)
      return decode(receipt, new Uint8Array(await answer.arrayBuffer())).mark > 0
    })
  }

  /** The same by the program `baton`, with an action as JSON. What it said. */
  async sends({ user }: Session, action: object): Promise<string> {
    process.env.BATON_ADMIN_KEY = KEY
    const words = ['--host', this.host.url, '--room', `account/${user}`, JSON.stringify(action)]
    return (await runProgram(...PROGRAM, 'send', ...words)).said
  }

  /** Who would change under other rules, and how, of those whose logs these are. */
  async under(rules: string, logs: [Session, Logged[]][]): Promise<Change[]> {
    const files = logs.map(([session, log]) => this.#file(session, log))
    const { said } = await runProgram(...PROGRAM, 'replay', ...files, '--rules', rules, '--json')
    const lines = said.trim().split('\n')
    return lines.flatMap((line) => (JSON.parse(line) as { change?: Change }).change ?? [])
  }

  /** Gives the program a log to read. */
  reads(session: Session, log: Logged[]): Read {
    const file = this.#file(session, log)
    const baton = async (verb: string, ...words: string[]) => (await runProgram(...PROGRAM, verb, file, ...words)).said
    return {
      replayed: async () => {
        const [, sequence, hash] = /: sound, (\d+) actions in \d+ frames, ([0-9a-f]+)/.exec(await baton('replay')) ?? []
        return hash === undefined ? null : { sequence: Number(sequence), hash }
      },
      told: async () => {
        const lines = (await baton('history', '--json')).trim().split('\n')
        return lines.flatMap((line) => (JSON.parse(line) as { told?: Told }).told ?? [])
      },
      at: async (sequence) => JSON.parse(await baton('history', '--at', String(sequence), '--json')),
    }
  }

  async close(): Promise<void> {
    rmSync(this.#scratch, { recursive: true, force: true })
    await this.host.close()
  }

  #file({ user }: Session, log: Logged[]): string {
    this.#files += 1
    const file = join(this.#scratch, `${user}-${this.#files}.jsonl`)
    const lines = log.map(({ v, stored }) => ({ v, frame: Buffer.from(stored).toString('base64') }))
    const all = [{ baton: 'log', format: 1, room: `account/${user}` }, ...lines]
    writeFileSync(file, all.map((line) => `${JSON.stringify(line)}\n`).join(''))
    return file
  }

  #lineage(): string {
    this.#sent += 1
    return this.#sent.toString(16).padStart(16, '0')
  }

  async #view({ token }: Session): Promise<string> {
    const headers = { authorization: `Bearer ${token}` }
    return (await this.host.send(`${this.host.url}/api/rooms/account/me/view`, { headers })).text()
  }
}
