/** What is bought with coins, by a page whose host is real and whose network is not. */

import { describe, expect, test, vi } from 'vitest'
import type { AccountVerdict } from '../src/client/account'
import { Disk, grant, Life, madeUp, NOW_MS, World } from './tabs'

madeUp()

describe('what is bought with coins', () => {
  /** An account with so many coins, on so many devices. */
  const rich = async (coins: number, devices = 1): Promise<[World, Life[]]> => {
    const world = new World()
    const lives = Array.from({ length: devices }, (_, at) => new Life(world, new Disk(at + 1)))
    for (const life of lives) await life.open()
    await Promise.all(lives.map((life) => life.quiet()))
    await grant(world, coins)
    for (const life of lives) life.account?.wake()
    await Promise.all(lives.map((life) => life.until('rich', ({ state }) => state.view?.coins === coins)))
    return [world, lives]
  }
  const distinct = (orders: Uint8Array[]) => new Set(orders.map((order) => Buffer.from(order).toString('hex'))).size
  const bought = async (life: Life | undefined, item: string): Promise<AccountVerdict | undefined> => {
    let told: AccountVerdict | undefined
    void life?.account?.purchase(item).then((verdict) => {
      told = verdict
    })
    await life?.until('answered', () => told !== undefined)
    return told
  }

  test('b26_the_server_does_once_while_the_page_waits_and_shows_it_at_once', async () => {
    const [world, [life]] = await rich(1_200)
    world.lost = 2
    expect(await bought(life, 'nurse')).toEqual({ accepted: true })
    expect(world.orders.length).toBe(3)
    expect(distinct(world.orders)).toBe(1)
    const bought_ms = performance.now()
    await life?.until('shown', ({ state }) => state.view?.items.includes('nurse') ?? false)
    expect(performance.now() - bought_ms).toBeLessThan(2_000)
    expect(life?.account?.state).toMatchObject({ view: { coins: 700, items: ['nurse'] }, purchase: null, pending: 0 })
    expect(await bought(life, 'nurse')).toEqual({ accepted: false, code: 'owned' })
    expect(await bought(life, 'astronaut')).toEqual({ accepted: false, code: 'poor' })
    expect(life?.account?.state).toMatchObject({ view: { coins: 700 }, purchase: { item: 'astronaut', code: 'poor' } })
    expect(life?.account?.state.refused).toEqual([])
    life?.account?.close()
  })

  test('b05_nobody_buys_without_network_and_nothing_of_it_waits_for_one', async () => {
    const [world, [life]] = await rich(1_200)
    vi.stubGlobal('navigator', { onLine: false })
    expect(await bought(life, 'nurse')).toEqual({ accepted: false, code: 'offline' })
    expect(life?.account?.state).toMatchObject({ pending: 0, purchase: { item: 'nurse', code: 'offline' } })
    vi.stubGlobal('navigator', { onLine: true })
    life?.account?.wake()
    await life?.quiet()
    await vi.advanceTimersByTimeAsync(60_000)
    expect([world.orders, life?.account?.state.view?.coins]).toEqual([[], 1_200])
    life?.account?.close()
    expect(await bought(life, 'nurse')).toEqual({ accepted: false, code: 'closed' })
    // Who was never heard has nobody to ask.
    world.online = false
    const cold = new Life(world, new Disk(9))
    await cold.open()
    expect(await bought(cold, 'nurse')).toEqual({ accepted: false, code: 'offline' })
    cold.account?.close()
  })

  test('when_nobody_answers_it_is_unknown_and_the_account_shows_what_became_of_it', async () => {
    const [world, [life]] = await rich(1_200)
    world.lost = 1_000
    const first = life?.account?.purchase('nurse')
    expect(await life?.account?.purchase('nurse')).toEqual({ accepted: false, code: 'full' })
    expect(life?.account?.state.purchase).toEqual({ item: 'nurse', code: null })
    await life?.until('given up', ({ state }) => state.purchase?.code !== null)
    expect(await first).toEqual({ accepted: false, code: 'unknown' })
    await life?.until('shown', ({ state }) => state.view?.items.includes('nurse') ?? false)
    expect(life?.account?.state.view?.coins).toBe(700)
    life?.account?.close()
  })

  test('b24_two_devices_at_once_and_a_clock_that_goes_back_buy_once_each', async () => {
    const [world, [one, other]] = await rich(600, 2)
    const told = await Promise.all([bought(one, 'nurse'), bought(other, 'nurse')])
    expect(told.filter((verdict) => verdict?.accepted)).toHaveLength(1)
    expect(told).toContainEqual({ accepted: false, code: 'owned' })
    await grant(world, 1_000, 'fedcba9876543210')
    await grant(world, 1_000, 'fedcba9876543211')
    for (const life of [one, other]) life?.account?.close()
    // The page is loaded again, with another time.
    vi.setSystemTime(NOW_MS - 3_600_000)
    const again = new Life(world, new Disk(1))
    await again.open()
    await again.quiet()
    const before = world.orders.length
    expect(await bought(again, 'astronaut')).toEqual({ accepted: true })
    expect(distinct(world.orders.slice(before))).toBe(2)
    again.account?.close()
  })
})
