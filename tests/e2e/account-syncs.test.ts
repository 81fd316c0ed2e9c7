/**
 * Accounts of many users with two devices each on four processes of the Node host over one Redis, by `baton syncs`: any
 * request goes to any process, while answers are lost, packets come twice and late, connections are cut, processes are
 * killed. Ten thousand syncs, a million in `soak`; `BATON_SYNCS` is another number, `BATON_SEED` draws the same again.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { plain } from '../../js-host/bench/figure'
import { fromBase64 } from '../../js-host/src/base64'
import { FaultProxy } from '../stores/support/fault-proxy'
import { RedisServer } from '../stores/support/redis-server'
import { buildProgram, followProgram, runProgram } from './support/cargo'
import { doubling, honest, Liar, losing } from './support/liar'
import { NodeProcess } from './support/node-host'

const PROGRAM = ['baton-cli', 'baton'] as const
const SYNCS = Number(process.env.BATON_SYNCS ?? (process.env.BATON_SOAK ? 1_000_000 : 10_000))
/** A hundred syncs of each user, or as few users as make a crowd. */
const USERS = Math.max(500, SYNCS / 100)
const PROCESSES = 4
/** Each process dies in its turn, after so many syncs. */
const KILL_EVERY = Math.min(SYNCS / 5, 10_000)
/** One process loses its connection to the store after so many syncs, at most once a second. */
const CUT_EVERY = SYNCS / 20
/** What is exported is read into memory as a whole. */
const EXPORTED_USERS = 1_000
const LIMIT_MS = 300_000 + SYNCS * 50
/** Of a thousand requests. */
const FAULTS = '200'
/** Few users, for a moment. */
const SMALL = ['--users', '10', '--syncs', '200', '--clients', '8', '--settle', '10']

const KEY = 'operator'.padEnd(43, '0')
const variables = { BATON_ADMIN_KEY: KEY }
const scratch = mkdtempSync(join(tmpdir(), 'baton-syncs-'))
const seeded = process.env.BATON_SEED ? ['--seed', process.env.BATON_SEED] : []

interface Report {
  good: boolean
  seed: number
  users: number
  syncs: number
  actions: number
  rejected: number
  lost: number
  doubled: number
  forked: number
  resets: number
  without_an_answer: number
  requests: number
  requests_without_an_answer: number
  answers_lost: number
  connections_cut: number
  packets_twice: number
  packets_late: number
  reloads: number
  sends_of_the_server: number
  frames: number
  accounts: { room: string; v: number; hash: string }[]
  steps: { syncs_per_s: number; refused: Record<string, number> }[]
}

beforeAll(async () => {
  process.env.BATON_ADMIN_KEY = KEY
  await buildProgram(...PROGRAM)
}, 600_000)
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** Runs the tool to its end; each number of syncs that it tells is heard. */
async function sync(
  urls: string[],
  words: string[],
  hear: (syncs: number) => void = () => {},
): Promise<{ status: number; said: string; report: Report }> {
  const file = join(scratch, 'report.json')
  rmSync(file, { force: true })
  const all = ['syncs', ...urls, ...words, ...seeded, '--json', file]
  const { status, said } = await followProgram(...PROGRAM, all, (line) => {
    const [, syncs] = /^(\d+) syncs,/.exec(line) ?? []
    if (syncs) hear(Number(syncs))
  })
  return { status, said, report: JSON.parse(readFileSync(file, 'utf8')) as Report }
}

/** Ends processes in turn, each at once, and has another take its place and its port. */
class Killer {
  killed = 0
  readonly #processes: NodeProcess[]
  readonly #stores: string[]
  #work: Promise<void> = Promise.resolve()

  constructor(processes: NodeProcess[], stores: string[]) {
    this.#processes = processes
    this.#stores = stores
  }

  /** One for each {@link KILL_EVERY} syncs. */
  heard(syncs: number): void {
    while (this.killed < Math.floor(syncs / KILL_EVERY)) {
      const at = this.killed % this.#processes.length
      this.killed += 1
      this.#work = this.#work.then(() => this.#replace(at))
    }
  }

  async #replace(at: number): Promise<void> {
    const process = this.#processes[at] as NodeProcess
    await process.end('SIGKILL')
    this.#processes[at] = await NodeProcess.start(this.#stores[at] ?? '', variables, 0, new URL(process.url).port)
  }

  /** Until all are there again. */
  done(): Promise<void> {
    return this.#work
  }
}

test('b15_b34_b38_syncs_of_two_devices_each_on_four_processes_with_faults_count_once_and_replay_to_their_hash', {
  timeout: LIMIT_MS,
}, async () => {
  const redis = await RedisServer.start()
  const proxy = await FaultProxy.start(redis.port)
  const client = await redis.connect()
  const direct = `redis://127.0.0.1:${redis.port}`
  const stores = [`redis://127.0.0.1:${proxy.port}`, ...Array<string>(PROCESSES - 1).fill(direct)]
  const processes = await Promise.all(stores.map((store) => NodeProcess.start(store, variables)))
  const killer = new Killer(processes, stores)
  let cuts = 0
  try {
    const exported = join(scratch, 'logs.jsonl')
    const words = ['--users', `${USERS}`, '--syncs', `${SYNCS}`, '--clients', '64', '--faults', FAULTS]
    const also = USERS <= EXPORTED_USERS ? ['--export', exported] : []
    const urls = processes.map(({ url }) => url)
    const { status, said, report } = await sync(urls, [...words, ...also], (syncs) => {
      killer.heard(syncs)
      // The connection of one process to the store, before or after what it asked is done there.
      if (syncs < (cuts + 1) * CUT_EVERY) return
      cuts += 1
      proxy.cut = cuts % 2 === 0 ? 'before' : 'after'
    })
    await killer.done()
    expect(status, said).toBe(0)
    expect(report).toMatchObject({ good: true, users: USERS, syncs: SYNCS, sends_of_the_server: USERS })
    expect(report).toMatchObject({ lost: 0, doubled: 0, forked: 0, resets: 0, without_an_answer: 0 })
    // All of it happened.
    expect(killer.killed).toBeGreaterThanOrEqual(PROCESSES)
    const { answers_lost, connections_cut, packets_twice, packets_late, reloads, rejected } = report
    const each = [answers_lost, connections_cut, packets_twice, packets_late, reloads, rejected, cuts]
    expect(Math.min(...each), said).toBeGreaterThan(0)
    expect(report.frames).toBeGreaterThan(USERS)
    // The hash that the store has of each account's last frame is the one that its log replays to.
    expect(new Set(report.accounts.map(({ room }) => room)).size).toBe(USERS)
    for (const { room, v, hash } of report.accounts) {
      const [last] = (await client.xRevRange(`baton:{${room}}:log`, '+', '-', { COUNT: 1 })) ?? []
      const kept = Buffer.from(fromBase64(last?.message.h ?? '')).toString('hex')
      expect([last?.id, kept], room).toEqual([`${v}-0`, hash])
    }
    console.error(said)
    plain(`syncs on ${PROCESSES} processes with faults`, report.steps[0]?.syncs_per_s ?? 0, '1/s')
    if (also.length > 0) await replays(exported)
  } finally {
    await killer.done().catch(() => {})
    await Promise.all(processes.map((process) => process.end('SIGKILL')))
    await client.close()
    await proxy.stop()
    await redis.stop()
  }
})

/** Every exported log is sound by the other way to replay; and one with a frame too few, or twice, is not. */
async function replays(file: string): Promise<void> {
  const whole = await runProgram(...PROGRAM, 'replay', file)
  expect(whole.status, whole.said).toBe(0)
  expect(whole.said.match(/: sound, /g)?.length).toBe(USERS)
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const [one, two] = [2, 3].map((at) => JSON.parse(lines[at] ?? '') as { v: number; frame: string })
  const forged = (frames: string[]) => {
    const renumbered = frames.map((frame, at) => JSON.stringify({ v: (one?.v ?? 0) + at, frame }))
    writeFileSync(file, [...lines.slice(0, 2), ...renumbered, ''].join('\n'))
    return runProgram(...PROGRAM, 'replay', file)
  }
  expect(await forged([one?.frame ?? ''])).toMatchObject({ status: 0 })
  expect(await forged([two?.frame ?? ''])).toMatchObject({ status: 1 })
  expect(await forged([one?.frame ?? '', one?.frame ?? ''])).toMatchObject({ status: 1 })
}

test.each([
  ['is_honest', honest, 0, []],
  ['loses_what_it_acknowledged', losing(), 1, ['lost']],
  ['doubles_what_it_was_sent', doubling(), 1, ['doubled']],
])('b38_a_front_that_%s_is_told_by_the_exit_code', async (_, lie, code, faults) => {
  const host = await NodeProcess.start('memory', variables)
  const front = await Liar.start(host.url, lie)
  try {
    const { status, said, report } = await sync([front.url], SMALL)
    const found = (['lost', 'doubled'] as const).filter((fault) => report[fault] > 0)
    expect([status, found], said).toEqual([code, faults])
  } finally {
    await front.stop()
    await host.end('SIGKILL')
  }
})

test('b34_processes_that_share_no_store_are_told_by_the_exit_code', async () => {
  const alone = await Promise.all([1, 2].map(() => NodeProcess.start('memory', variables)))
  try {
    const { status, said, report } = await sync(
      alone.map(({ url }) => url),
      SMALL,
    )
    expect([status, report.good], said).toEqual([1, false])
    expect(report.lost + report.doubled + report.forked).toBeGreaterThan(0)
  } finally {
    await Promise.all(alone.map((process) => process.end('SIGKILL')))
  }
})

test('b38_who_is_refused_for_too_many_requests_comes_again_and_everything_counts_once', async () => {
  const redis = await RedisServer.start()
  const limits = { ...variables, BATON_RATE_ADDRESS: '40/40' }
  const store = `redis://127.0.0.1:${redis.port}`
  const processes = await Promise.all([1, 2].map(() => NodeProcess.start(store, limits)))
  try {
    const urls = processes.map(({ url }) => url)
    const words = ['--users', '20', '--syncs', '300', '--clients', '40', '--faults', FAULTS]
    const { status, said, report } = await sync(urls, words)
    expect(status, said).toBe(0)
    expect(report.steps[0]?.refused.rate_limited, said).toBeGreaterThan(0)
    expect(report).toMatchObject({ syncs: 300, lost: 0, doubled: 0, forked: 0, without_an_answer: 0 })
  } finally {
    await Promise.all(processes.map((process) => process.end('SIGKILL')))
    await redis.stop()
  }
})
