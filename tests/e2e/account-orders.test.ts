/**
 * What is bought with coins, on every host: an order comes once to the log, however often and wherever it is sent, is told
 * the same each time, and is nobody else's. Balances are as the rules say, whatever is forged.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BATON_TYPE, codeOf, Device, guest, type Session } from './device'
import { HOSTS, Host } from './support/hosts'
import { deliver, orderOf, packetOf, placed, register, sendOrder } from './support/packets'
import type { Entry } from './wire'

/** As `hosts.ts` has it for Workers. */
const KEY = 'operator'.padEnd(43, '0')
const LIMIT_MS = 180_000

/** Encoded actions of the account's rules. */
const NURSE = [8, 2]
const ASTRONAUT = [8, 3]
const PRICE = { nurse: 500, astronaut: 2_000 }
const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)])
const granted = (coins: number) => [9, ...varint(2 * coins), 0]
const DONE = { tag: 'done' }
const POOR = { tag: 'refused', code: 8 }
const OWNED = { tag: 'refused', code: 7 }

interface Shown {
  coins: number
  scrap: number
  items: string[]
}

describe.each(HOSTS)('on %s', (name) => {
  let host: Host
  beforeAll(async () => {
    const variables = { BATON_ROOMS: '{"frame_ms": 20, "lease_ms": 40, "poll_ms": 50}', BATON_ADMIN_KEY: KEY }
    host = await Host.open(name, variables)
  })
  afterAll(() => host?.close())

  const deviceOf = async (session: Session): Promise<Device> => {
    const device = new Device(host.url, 'account/me', session, host.send)
    await register(device)
    return device
  }
  const shown = async ({ token }: Session): Promise<Shown> => {
    const headers = { authorization: `Bearer ${token}` }
    const answer = await host.send(`${host.url}/api/rooms/account/me/view`, { headers })
    return ((await answer.json()) as { game: Shown }).game
  }
  /** The operator gives coins, once for each lineage; on Devvit, where rooms are their users' alone, in the user's name. */
  const grant = async ({ user, token }: Session, coins: number, lineage: string) => {
    const before = (await log(user)).length
    for (;;) {
      const answer = await host.send(`${host.url}/api/admin/rooms/account/${user}/send/${lineage.padStart(16, '0')}`, {
        method: 'POST',
        body: new Uint8Array(granted(coins)),
        headers: { 'content-type': BATON_TYPE, authorization: `Bearer ${KEY}`, 'x-player': `Bearer ${token}` },
      })
      expect([200, 503]).toContain(answer.status)
      if ((await log(user)).length > before) return
      await new Promise((next) => setTimeout(next, 50))
    }
  }
  /** What servers did in an account: who sent it, its number, and what, or why not. */
  const log = async (user: string): Promise<[string, number, number[] | number][]> => {
    const frames = await host.log(`account/${user}`)
    const of = (entry: Entry): [string, number, number[] | number][] => {
      if (entry.tag === 'receive') return [[entry.sender, entry.number, [...entry.body]]]
      return entry.tag === 'decline' ? [[entry.sender, entry.number, entry.code]] : []
    }
    return frames.flatMap(({ entries }) => entries.flatMap(of))
  }
  const orders = async (user: string) => (await log(user)).filter(([sender]) => sender === `order/${user}`)
  const rich = async (coins: number): Promise<[Session, Device]> => {
    const session = await guest(host.url, host.send)
    const device = await deviceOf(session)
    await grant(session, coins, '1')
    return [session, device]
  }

  test('b08_b26_what_is_ordered_eight_times_at_once_and_after_all_was_lost_is_paid_once', {
    timeout: LIMIT_MS,
  }, async () => {
    const [session, device] = await rich(1_200)
    const nurse = orderOf(device, 7, NURSE)
    const eight = () => Promise.all(Array.from({ length: 8 }, () => placed(device, nurse, host.send)))
    // The first answers are lost: nobody reads them.
    await Promise.all(Array.from({ length: 3 }, () => sendOrder(device, nurse, host.send).catch(() => null)))
    expect(new Set((await eight()).map((told) => JSON.stringify(told)))).toEqual(new Set([JSON.stringify(DONE)]))
    // Refused, and so it stays when there are coins.
    const poor = orderOf(device, 8, ASTRONAUT)
    expect(await placed(device, poor, host.send)).toEqual(POOR)
    await grant(session, 5_000, '2')
    await host.restart()
    await host.evict(`account/${session.user}`)
    for (const told of await Promise.all([poor, poor, poor].map((copy) => placed(device, copy, host.send))))
      expect(told).toEqual(POOR)
    expect(await placed(device, nurse, host.send)).toEqual({ tag: 'taken', mark: 8 })
    expect(await orders(session.user)).toEqual([
      [`order/${session.user}`, 7, NURSE],
      [`order/${session.user}`, 8, 8],
    ])
    expect(await shown(session)).toMatchObject({ coins: 1_200 - PRICE.nurse + 5_000, scrap: 0, items: ['nurse'] })
    expect(await placed(device, orderOf(device, 9, ASTRONAUT), host.send)).toEqual(DONE)
    expect(await shown(session)).toMatchObject({ coins: 5_700 - PRICE.astronaut, items: ['nurse', 'astronaut'] })
  })

  test('b24_b26_two_devices_that_buy_at_once_pay_with_what_is_there', { timeout: LIMIT_MS }, async () => {
    const [session, one] = await rich(PRICE.astronaut)
    const other = await deviceOf(session)
    const both = [orderOf(one, 3, NURSE), orderOf(other, 3, ASTRONAUT)]
    const told = await Promise.all(both.map((bytes, at) => placed([one, other][at] as Device, bytes, host.send)))
    expect(told).toContainEqual(DONE)
    expect(told).toContainEqual(POOR)
    const first = told.findIndex((each) => typeof each === 'object' && each.tag === 'done')
    const [price, item] = [PRICE.nurse, PRICE.astronaut].map((coins, at) => [coins, ['nurse', 'astronaut'][at]])[
      first
    ] as [number, string]
    expect(await shown(session)).toMatchObject({ coins: PRICE.astronaut - price, items: [item] })
    // The same thing, on both.
    const again = await Promise.all(
      [one, other].map((device) => placed(device, orderOf(device, 9, item === 'nurse' ? NURSE : ASTRONAUT), host.send)),
    )
    expect(again).toEqual([OWNED, OWNED])
    expect((await shown(session)).coins).toBe(PRICE.astronaut - price)
  })

  test('b05_b11_forged_orders_and_those_of_others_are_refused_and_change_nothing', { timeout: LIMIT_MS }, async () => {
    const [session, device] = await rich(3_000)
    const mallory = await guest(host.url, host.send)
    const before = [await shown(session), await log(session.user)]
    // A match, a reward, seeds, a check, a grant, scrap's and a device's own; what is none; one with more behind it.
    const forged = [[0, 1, 1, 255, 1, 1, 1, 1, 1], [5, 3], [6], [7], granted(1_000), [2, 0], [3, 1]]
    for (const body of forged)
      expect(await placed(device, orderOf(device, 7, body), host.send), `${body}`).toBe('403 forbidden')
    for (const body of [[], [42], [...NURSE, 0], [8, 9]])
      expect(await placed(device, orderOf(device, 7, body), host.send), `${body}`).toBe('400 malformed')
    // As an action of the device's queue it is the player's.
    const queued = await deliver(device, packetOf(device, 1, [NURSE]))
    if (typeof queued !== 'string' && queued.device?.mark === 1) expect(queued.device.verdicts).toEqual([1])
    // Another user: in the account that is named, and with the owner's device in their own.
    const named = new Device(host.url, `account/${session.user}`, mallory, host.send)
    const own = new Device(host.url, 'account/me', mallory, host.send)
    const nurse = orderOf(device, 7, NURSE)
    expect(await placed(named, nurse, host.send)).toBe('404 not_found')
    expect(await placed(own, nurse, host.send)).toBe('409 unregistered')
    await register(own)
    expect(await placed(own, nurse, host.send)).toBe('409 unregistered')
    // Nobody; a room of nobody's own; another method; another type; too much.
    const asked = async (path: string, init: RequestInit) =>
      codeOf(await host.send(`${host.url}/api/rooms/${path}`, init))
    const body = nurse as Uint8Array<ArrayBuffer>
    const headers = { 'content-type': BATON_TYPE }
    expect(await asked('account/me/order', { method: 'POST', body, headers })).toBe('401 unauthorized')
    const authorization = `Bearer ${session.token}`
    const signed = { ...headers, authorization }
    expect(await asked('contagion/plaza/order', { method: 'POST', body, headers: signed })).toBe('404 not_found')
    expect(await asked('account/me/order', { headers: signed })).toBe('405 method_not_allowed')
    const text = { ...signed, 'content-type': 'text/plain' }
    expect(await asked('account/me/order', { method: 'POST', body, headers: text })).toBe('415 media_type')
    const long = new Uint8Array(70_000)
    expect(await asked('account/me/order', { method: 'POST', body: long, headers: signed })).toBe('413 too_large')
    expect([await shown(session), await log(session.user)]).toEqual(before)
    // And what is honest goes on.
    expect(await placed(device, nurse, host.send)).toEqual(DONE)
  })
})
