/**
 * An account on every host, where the store matters: packets that come again, at once, late and in no order, calls that fail,
 * processes that are killed, caches that are gone, and requests that go anywhere. What was told is judged by
 * `check-history`, what was written is read where it lies and replayed by the program `baton`.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nothing } from '../../js-host/src/effect'
import { Device, guest, type Session } from './device'
import { until } from './support/browser'
import { buildProgram, runProgram } from './support/cargo'
import { History } from './support/history'
import { HOSTS, Host } from './support/hosts'
import { buildJudge, disturbed, forge, judge, keep } from './support/judge'
import { Keeper } from './support/keeper'
import { ask, deliver, packetOf, register, standing } from './support/packets'
import type { Logged } from './support/room-log'
import type { Entry, Reply } from './wire'

const PROGRAM = ['baton-cli', 'baton'] as const
/** How many frames are at hand, and after how many there is a snapshot. */
const [RECENT, SEGMENT] = [16, 64]
const PACE = { frame_ms: 20, lease_ms: 40, poll_ms: 50, recent: RECENT }
/** So many actions of a device may be unanswered; here fewer. */
const WINDOW = 16
const LIMIT_MS = 180_000

/** Loudness is set; and a look that nobody has bought. */
const volume = (value: number) => [4, 0, value]
const LOCKED = [3, 200]
/** What the rules say of these three: taken, locked, taken. */
const THREE = [volume(7), LOCKED, volume(9)]
const VERDICTS = [0, 10, 0]

const scratch = mkdtempSync(join(tmpdir(), 'baton-rows-'))
beforeAll(async () => {
  await buildJudge()
  await buildProgram(...PROGRAM)
}, 600_000)
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** What a device did that was accepted or not, in the log's order: sequence, and body or code. */
function doneBy(log: Logged[], number: number | null): [number, number[] | number][] {
  const of = (entry: Entry): [number, number[] | number][] => {
    if (entry.tag === 'act' && entry.device === number) return [[entry.seq, [...entry.body]]]
    return entry.tag === 'reject' && entry.device === number ? [[entry.seq, entry.code]] : []
  }
  return log.flatMap(({ entries }) => entries.flatMap(of))
}

/** What `baton` finds in a log from its first frame on: whether it is sound, and the state in the end. */
async function replayedOf(room: string, log: Logged[]): Promise<{ sound: boolean; state: Record<string, unknown> }> {
  const file = join(scratch, `${room.replace('/', '-')}.jsonl`)
  const lines = log.map(({ v, stored }) => ({ v, frame: Buffer.from(stored).toString('base64') }))
  writeFileSync(file, [{ baton: 'log', format: 1, room }, ...lines].map((line) => `${JSON.stringify(line)}\n`).join(''))
  const replayed = await runProgram(...PROGRAM, 'replay', file, '--json')
  const { sound, sequence } = JSON.parse(replayed.said.split('\n')[0] ?? '') as { sound: boolean; sequence: number }
  const { said } = await runProgram(...PROGRAM, 'history', file, '--at', String(sequence), '--json')
  return { sound, state: JSON.parse(said) as Record<string, unknown> }
}

describe.each(HOSTS)('on %s', (name) => {
  let host: Host
  const alone = name === 'embedded' || name === 'stateless'
  beforeAll(async () => {
    host = await Host.open(name, { BATON_ROOMS: JSON.stringify(PACE) })
  })
  afterAll(() => host?.close())

  const deviceOf = async (session: Session): Promise<Device> => {
    const device = new Device(host.url, 'account/me', session, host.send)
    await register(device)
    return device
  }
  const user = () => guest(host.url, host.send)
  const roomOf = ({ user }: Session) => `account/${user}`
  const viewOf = async (session: Session): Promise<Record<string, unknown>> => {
    const headers = { authorization: `Bearer ${session.token}` }
    const answer = await host.send(`${host.url}/api/rooms/account/me/view`, { headers })
    return ((await answer.json()) as { game: Record<string, unknown> }).game
  }
  /** A device does one thing after the other until so many frames more are there, and all of it is answered. */
  const grow = async (device: Device, frames: number) => {
    let { head, device: told } = await ask(device)
    for (const until = head.v + frames; head.v < until; ) {
      const answered = told?.mark ?? 0
      if (device.seq - answered < WINDOW) device.seq += 1
      const waiting = Array.from({ length: device.seq - answered }, (_, at) => volume((answered + at + 1) % 100))
      const reply = await deliver(device, packetOf(device, answered + 1, waiting))
      if (typeof reply === 'string') throw new Error(`refused: ${reply}`)
      ;({ head, device: told } = reply)
    }
    await standing(device, device.seq, device.seq - 1)
  }

  test('b08_a_packet_that_comes_many_times_at_once_and_after_all_was_lost_counts_once', {
    timeout: LIMIT_MS,
  }, async () => {
    const session = await user()
    const device = await deviceOf(session)
    const packet = packetOf(device, 1, THREE)
    const eight = () => Promise.all(Array.from({ length: 8 }, () => deliver(device, packet)))
    await eight()
    expect(await standing(device, 3)).toEqual([3, VERDICTS])
    const copies = async () => {
      for (const told of await eight()) expect((told as Reply).device).toMatchObject({ mark: 3, verdicts: VERDICTS })
    }
    await copies()
    await host.restart()
    await host.evict(roomOf(session))
    await copies()
    const log = await host.log(roomOf(session))
    expect(doneBy(log, device.number)).toEqual([
      [1, volume(7)],
      [2, 10],
      [3, volume(9)],
    ])
  })

  test('b12_while_calls_fail_and_a_process_is_killed_devices_are_told_one_history_of_whole_packets', {
    timeout: LIMIT_MS,
  }, async () => {
    const [devices, packets, size] = [4, 8, 3]
    const session = await user()
    const history = new History()
    const keepers = Array.from({ length: devices }, (_, index) => {
      return new Keeper(host.url, session, disturbed(history, `device ${index}`, host.send))
    })
    for (const keeper of keepers) await keeper.until('the account', ({ seeds }) => seeds.length > 0)
    await host.trouble(true)
    let done = 0
    const busy = keepers.map(async (keeper, index) => {
      for (let turn = 0; turn < packets; turn += 1) {
        await keeper.does(Array.from({ length: size }, (_, at) => (index * 64 + turn * size + at) % 200))
        done += 1
      }
    })
    // In the midst of it, and where there are others, again.
    for (const quarter of alone ? [2] : [1, 2, 3]) {
      await until('a part of it', LIMIT_MS, async () => done >= (quarter * devices * packets) / 4)
      await host.kill()
    }
    await Promise.all(busy)
    await host.trouble(false)
    const log = await host.log(roomOf(session))
    // All of a packet, or nothing: it is in one frame.
    const parts = log.flatMap(({ entries, v }) =>
      entries.flatMap((entry) =>
        entry.tag === 'act' ? [[`${entry.device}, ${Math.ceil(entry.seq / size)}`, v] as const] : [],
      ),
    )
    const whole = new Map<string, number[]>()
    for (const [packet, v] of parts) whole.set(packet, [...(whole.get(packet) ?? []), v])
    expect(whole.size).toBe(devices * packets)
    expect([...whole].filter(([, at]) => at.length !== size || new Set(at).size !== 1)).toEqual([])
    await history.ended('account/me', async () => log.map(({ stored }) => stored))
    const file = keep(`account-${name.replaceAll(' ', '-')}`, history.text())
    const { status, said } = await judge(file)
    expect(status, said).toBe(0)
    expect(said).toMatch(new RegExp(` [1-9]\\d* answered, .* ${devices * packets * size} actions, 0 losses, 0 resets`))
    const forged = await judge(keep(`account-${name.replaceAll(' ', '-')}-forged`, forge(history.text())))
    expect(forged, forged.said).toMatchObject({ status: 1, said: expect.stringContaining('acknowledged') })
    // And all devices end at the same.
    const last = log.at(-1)
    for (const keeper of keepers) {
      await keeper.until('everything', () => keeper.replica.version() >= (last?.v ?? 0))
    }
    expect(new Set(keepers.map((keeper) => JSON.stringify(keeper.view()?.preferences))).size).toBe(1)
  })

  test('b15_packets_that_come_twice_late_and_in_no_order_are_applied_once_and_in_order', {
    timeout: LIMIT_MS,
  }, async () => {
    const [count, most] = [24, 3]
    const session = await user()
    const device = await deviceOf(session)
    const bodies = Array.from({ length: count }, (_, at) => (at % 5 === 4 ? LOCKED : volume(at)))
    // Packets that overlap: from every sequence on one, of one to three actions.
    const packets = bodies.map((_, at) => packetOf(device, at + 1, bodies.slice(at, at + 1 + (at % most))))
    let refused = 0
    for (let mark = 0; mark < count; ) {
      // Those around the mark, the last first, each twice, at once.
      const around = packets.slice(Math.max(0, mark - 2), mark + 4).reverse()
      const told = await Promise.all([...around, ...around].map((packet) => deliver(device, packet)))
      const gaps = told.filter((each) => typeof each === 'string')
      expect(new Set(gaps).size <= 1 && gaps.every((code) => code === 'gap'), `${gaps}`).toBe(true)
      refused += gaps.length
      mark = (await ask(device)).device?.mark ?? 0
    }
    expect(refused).toBeGreaterThan(0)
    await Promise.all([...packets].reverse().map((packet) => deliver(device, packet)))
    const done = doneBy(await host.log(roomOf(session)), device.number)
    expect(done).toEqual(bodies.map((body, at) => [at + 1, body === LOCKED ? 10 : body]))
  })

  test('b08_b18_b19_when_memory_snapshots_and_hints_are_gone_what_is_missing_comes_as_the_state', {
    timeout: LIMIT_MS,
  }, async () => {
    const session = await user()
    const room = roomOf(session)
    const device = await deviceOf(session)
    const keeper = new Keeper(host.url, session, host.send)
    await keeper.until('the account', ({ seeds }) => seeds.length > 0)
    const other = await deviceOf(session)
    const packet = packetOf(other, 1, THREE)
    await deliver(other, packet)
    expect(await standing(other, 3)).toEqual([3, VERDICTS])
    const old = (await ask(device)).head
    await grow(device, SEGMENT + RECENT)
    await host.restart()
    const gone = await host.evict(room)
    expect(gone === null ? alone : gone > 0, `${gone} keys`).toBe(true)
    // What came before all that is known for what it was.
    expect(await deliver(other, packet)).toMatchObject({ device: { mark: 3, verdicts: VERDICTS } })
    // More is missing than is at hand, or all of it.
    for (const cursor of [old, nothing()]) expect((await ask(device, { cursor })).news.tag).toBe('snapshot')
    const { head } = await ask(device)
    expect((await ask(device, { cursor: head })).news).toEqual({ tag: 'frames', frames: [] })
    await keeper.until('everything', () => keeper.replica.version() >= head.v)
    const log = await host.log(room)
    expect(log.length).toBeGreaterThan(SEGMENT + RECENT)
    expect(keeper.replica.hash()).toBe(log[keeper.replica.version() - 1]?.hash)
    // The whole log is kept apart from all that: from its first frame it comes to what everybody sees.
    const { sound, state } = await replayedOf(room, log)
    expect(sound).toBe(true)
    const { coins, look, preferences } = await viewOf(session)
    expect(state).toMatchObject({ coins, look, preferences })
    expect(keeper.view()).toMatchObject({ coins, look, preferences })
    expect(preferences).toEqual({ volume: device.seq % 100 })
  })

  test('b34_each_request_of_each_device_may_go_to_another_process', { timeout: LIMIT_MS }, async () => {
    const session = await user()
    const devices: Device[] = []
    for (let index = 0; index < 4; index += 1) devices.push(await deviceOf(session))
    const writers = async () => new Set((await host.log(roomOf(session))).map(({ by }) => by)).size
    let turns = 0
    // A host that is one process is another after each start.
    for (; turns < 4 || (await writers()) < (alone ? 2 : 4); turns += 1) {
      expect(turns).toBeLessThan(100)
      if (alone && turns === 2) await host.restart()
      for (const [index, device] of devices.entries()) {
        device.seq += 1
        await deliver(device, packetOf(device, device.seq, [volume(index * 50 + (turns % 50))]))
        expect(await standing(device, device.seq, device.seq - 1)).toEqual([device.seq, [0]])
      }
    }
    const log = await host.log(roomOf(session))
    for (const [index, { number }] of devices.entries()) {
      const all = Array.from({ length: turns }, (_, turn) => [turn + 1, volume(index * 50 + (turn % 50))])
      expect(doneBy(log, number)).toEqual(all)
    }
    const heads = await Promise.all(devices.map(async (device) => (await ask(device)).head.hash))
    expect(new Set(heads.map((hash) => Buffer.from(hash).toString('hex')))).toEqual(new Set([log.at(-1)?.hash]))
    expect(await viewOf(session)).toMatchObject({ preferences: { volume: 150 + ((turns - 1) % 50) } })
  })
})
