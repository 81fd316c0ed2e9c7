/**
 * The laws of an account's packets on every host: all of one or nothing, a result for each action, no gap, what is unknown,
 * and what a sync brings. Devices are by hand, so that they can send what no page sends.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plain } from '../../js-host/bench/figure'
import { nothing } from '../../js-host/src/effect'
import { codeOf } from './device'
import * as accounts from './support/accounts'
import { Accounts, BUY_NURSE, BUY_RAINCOAT, doneIn, grant, headOf, look, NO_LOOK, volume } from './support/accounts'
import { HOSTS } from './support/hosts'
import { ask, deliver, handIn, packetOf, standing } from './support/packets'
import { decode, encode, reply } from './wire'

const LIMIT_MS = 180_000
/** Limits of a request, of an action in it, and of how many. */
const [REQUEST_BYTES, ACTION_BYTES, WINDOW] = [64 * 1024, 4 * 1024, 32]
/** What is refused: there is no such look, bought already, the server's alone, for coins alone. */
const [LOCKED, OWNED, SERVER_ONLY, OTHER_CURRENCY] = [10, 7, 1, 9]
/** No action of these rules, and one of rules before the first. */
const [MALFORMED, OUTDATED] = [0xff00, 0xff02]

describe.each(HOSTS)('on %s', (name) => {
  let all: Accounts
  beforeAll(async () => {
    all = await Accounts.open(name)
  }, 600_000)
  afterAll(() => all?.close())

  test('b04_a_packet_that_is_cut_damaged_or_too_large_is_refused_whole_and_changes_nothing', {
    timeout: LIMIT_MS,
  }, async () => {
    const device = await all.device(await all.user())
    const taken = packetOf(device, 1, [volume(7), look(2), volume(9)])
    await deliver(device, taken)
    expect(await standing(device, 3)).toEqual([3, [0, 0, 0]])
    const before = await all.seen(device)
    const fresh = packetOf(device, 4, [volume(11), look(1), volume(12)])
    const codes = async (packets: Uint8Array[]) =>
      Promise.all(packets.map(async (packet) => codeOf(await device.send(packet))))
    // Wherever it is cut.
    const cuts = await codes([...fresh].map((_, length) => fresh.slice(0, length)))
    expect([cuts.length, new Set(cuts)]).toEqual([fresh.length, new Set(['400 malformed'])])
    // A byte too many, too many of all, one action too long, one action too many.
    const padded = (length: number) => new Uint8Array([...fresh, ...new Uint8Array(length - fresh.length)])
    const long = packetOf(device, 4, [volume(11), [4, ...new Uint8Array(ACTION_BYTES)]])
    const many = packetOf(device, 4, Array<number[]>(WINDOW + 1).fill(volume(11)))
    expect(await codes([padded(fresh.length + 1), padded(REQUEST_BYTES + 1), long, many])).toEqual([
      '400 malformed',
      ...Array(3).fill('413 too_large'),
    ])
    // Any byte of what was taken is another: no request, or of nobody, or not what had these numbers; or what was said is left.
    const damaged = [...taken].map((_, at) => taken.map((byte, index) => (index === at ? byte ^ 0xff : byte)))
    const told = await Promise.all(damaged.map((packet) => deliver(device, packet)))
    const refused = told.filter((each) => typeof each === 'string')
    const known = ['protocol', 'malformed', 'unregistered', 'conflict_body']
    expect(new Set(refused)).toEqual(new Set(known))
    expect(refused.length).toBeGreaterThan(taken.length / 3)
    for (const each of told) if (typeof each !== 'string') expect(each.device?.mark ?? 3).toBe(3)
    expect(await all.seen(device)).toEqual(before)
    expect((await all.log(device.session)).at(-1)?.v).toBe(before.head.v)
    // It was a packet.
    await deliver(device, fresh)
    expect(await standing(device, 6, 3)).toEqual([6, [0, 0, 0]])
  })

  test('b03_b07_b09_b10_b13_each_action_of_a_batch_has_its_result_and_a_refusal_leaves_the_game_as_it_was', {
    timeout: LIMIT_MS,
  }, async () => {
    const session = await all.user()
    const device = await all.device(session)
    await all.operate(session, grant(5, 400))
    // Scrap is paid off what there is, look and loudness are as they were set last; two in the middle are refused.
    const batch = [volume(7), look(2), BUY_RAINCOAT, BUY_RAINCOAT, NO_LOOK, look(4), volume(9)]
    expect(await handIn(device, ...batch)).toEqual([0, 0, 0, OWNED, LOCKED, 0, 0])
    await all.operate(session, grant(5, 50))
    const shown = { coins: 10, scrap: 300, items: ['raincoat'], look: 4, preferences: { volume: 9 } }
    expect(await all.view(session)).toMatchObject(shown)
    // Nothing but refusals: the mark goes on, the game does not by a byte.
    const game = await all.game(device)
    const refused = [BUY_RAINCOAT, NO_LOOK, grant(1_000_000, 0), BUY_NURSE]
    expect(await handIn(device, ...refused)).toEqual([OWNED, LOCKED, SERVER_ONLY, OTHER_CURRENCY])
    expect(await all.game(device)).toBe(game)
    // What comes too early is told which should come, and is not there.
    const { head } = await all.seen(device)
    for (const ahead of [2, 3, 9]) {
      const answer = await device.send(packetOf(device, device.seq + ahead, [volume(50)]))
      expect(answer.status).toBe(409)
      expect(await answer.json()).toMatchObject({ code: 'gap', expected: device.seq + 1 })
    }
    expect((await all.seen(device)).head).toEqual(head)
    // And then it goes on.
    expect(await handIn(device, volume(33))).toEqual([0])
    expect(await all.game(device)).not.toBe(game)
    expect(await all.view(session)).toMatchObject({ ...shown, preferences: { volume: 33 } })
    const log = await all.log(session)
    const verdicts = [0, 0, 0, OWNED, LOCKED, 0, 0, OWNED, LOCKED, SERVER_ONLY, OTHER_CURRENCY, 0]
    const bodies = [...batch, ...refused, volume(33)]
    expect(doneIn(log)).toEqual(verdicts.map((code, at) => [device.number, at + 1, code || bodies[at]]))
    expect(log.map(({ v }) => v)).toEqual(log.map((_, at) => at + 1))
    // From the state at 0 by one for each that was accepted, whoever did it, and by none for a refusal.
    const read = all.reads(session, log)
    let sequence = 0
    for (const { entry, sequence: told } of await read.told()) {
      if (['act', 'receive', 'due'].includes(entry)) sequence += 1
      expect(told, entry).toBe(sequence)
    }
    expect(await read.replayed()).toEqual({ sequence, hash: log.at(-1)?.hash })
    expect(sequence).toBeGreaterThanOrEqual(8)
    expect(await read.at(0)).toMatchObject({ coins: 0, scrap: 0, look: 0, items: [], preferences: {}, seeds: [] })
    expect(await read.at(sequence)).toMatchObject({ ...shown, preferences: { volume: 33 } })
  })

  test('b30_what_no_rules_know_is_refused_by_its_code_and_what_comes_after_goes_on', {
    timeout: LIMIT_MS,
  }, async () => {
    const session = await all.user()
    const device = await all.device(session)
    expect(await handIn(device, volume(3))).toEqual([0])
    const game = await all.game(device)
    // A kind of later rules, a field too many, a value that is none, a field too few, nothing; amid what is known.
    const strange = [[42, 1, 2], [...volume(3), 0], [2, 99], [4, 0], [4, 9, 1], [3], []]
    expect(await handIn(device, ...strange)).toEqual(strange.map(() => MALFORMED))
    expect(await all.game(device)).toBe(game)
    expect(await handIn(device, [42], look(2), [], volume(8))).toEqual([MALFORMED, 0, MALFORMED, 0])
    expect(await all.view(session)).toMatchObject({ look: 2, preferences: { volume: 8 } })
    // By rules before the first: nothing says what it meant.
    device.seq += 1
    const old = { seq: device.seq, version: 0, body: new Uint8Array(volume(99)) }
    await deliver(device, device.request(device.hail({ actions: [old], answered: old.seq - 1 })))
    expect(await standing(device, old.seq, old.seq - 1)).toEqual([old.seq, [OUTDATED]])
    expect(await handIn(device, volume(4))).toEqual([0])
    expect(await all.view(session)).toMatchObject({ look: 2, preferences: { volume: 4 } })
    const verdicts = [0, ...strange.map(() => MALFORMED), MALFORMED, 0, MALFORMED, 0, OUTDATED, 0]
    const done = doneIn(await all.log(session))
    expect(done.map(([, seq]) => seq)).toEqual(verdicts.map((_, at) => at + 1))
    expect(done.map(([, , what]) => (typeof what === 'number' ? what : 0))).toEqual(verdicts)
  })

  test('b17_b33_up_to_n_missing_versions_come_as_frames_without_a_byte_of_state_and_one_more_as_the_state', {
    timeout: LIMIT_MS,
  }, async () => {
    const n = accounts.RECENT
    const session = await all.user()
    const device = await all.device(session)
    while (device.seq <= 3 * n) await handIn(device, volume(device.seq))
    const { head } = await ask(device)
    const log = await all.log(session)
    const frameAt = (v: number) => log[v - 1] ?? expect.fail(`no frame ${v}`)
    const cursorAt = (v: number) => ({ v, hash: new Uint8Array(Buffer.from(frameAt(v).hash, 'hex')) })
    expect(headOf(head)).toEqual({ v: log.length, hash: frameAt(log.length).hash })
    const state = (await ask(device, { cursor: nothing() })).news
    const whole = state.tag === 'snapshot' ? state.room : expect.fail(state.tag)
    for (const missing of [0, 1, n - 1, n, n + 1, 3 * n]) {
      const cursor = cursorAt(head.v - missing)
      // Of several processes, some.
      for (let process = 0; process < 4; process += 1) {
        const answer = await device.send(device.request(device.hail(), { cursor }))
        const body = new Uint8Array(await answer.arrayBuffer())
        const { news } = decode(reply, body)
        const bytes = { whole: body.length, state: news.tag === 'frames' ? 0 : news.room.length }
        if (missing > n) {
          expect(news, `${missing} missing`).toEqual({ tag: 'snapshot', room: whole })
        } else {
          const frames = log.slice(log.length - missing).map(({ stored }) => stored)
          expect(news, `${missing} missing`).toEqual({ tag: 'frames', frames })
          // What is not in a frame is the reply's own.
          const rest =
            body.length - encode(reply, { ...decode(reply, body), news: { tag: 'frames', frames: [] } }).length
          expect(rest).toBeLessThanOrEqual(frames.reduce((sum, frame) => sum + frame.length + 2, 1))
        }
        if (process === 0)
          plain(`a sync of ${missing} versions on ${name}, of it ${bytes.state} of state`, bytes.whole, 'B')
      }
    }
  })
})
