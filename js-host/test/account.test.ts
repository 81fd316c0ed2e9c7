/**
 * The account's queue as a page keeps it: the tab is killed at every point where it waits, and nothing that was kept is lost,
 * and nothing counts twice.
 */

import { describe, expect, test, vi } from 'vitest'
import type { Account } from '../src/client/account'
import { type Bookmark, goneOf, handIn } from '../src/client/underway'
import { again, DISK_MS, Disk, finish, Life, madeUp, play, played, Run, World } from './tabs'

madeUp()

/** What somebody does, and what of it was kept: once each, whatever becomes of the tab. */
class Deeds {
  readonly seeds: string[] = []
  readonly kept = new Set<string>()
  /** Seeds of runs that were written while they were under way. */
  readonly underway = new Set<string>()

  async do(life: Life): Promise<void> {
    await life.until('in hand', ({ state }) => (state.view?.seeds.length ?? 0) >= 2)
    for (const [deed, act] of Object.entries({ first: this.#run, look: this.#wear, second: this.#run })) {
      if (life.killed || this.kept.has(deed)) continue
      let through = false
      if (!life.account || !life.bookmark) return
      void act.call(this, life.account, life.bookmark).then((kept) => {
        if (kept) this.kept.add(deed)
        through = true
      })
      await life.until('kept', () => through)
      // The next one while nothing waits, and the last one while something does.
      if (deed === 'first') await life.until('answered', ({ state }) => state.pending === 0)
    }
    await life.quiet()
  }

  /** Goes on with the run that was under way, or plays one; whether it was handed in. */
  async #run(account: Account, bookmark: Bookmark): Promise<boolean> {
    const before = await bookmark.read()
    const { view } = account.state
    const goes = before && goneOf(before, Run.rules(), view) === null
    const seed = goes ? before.seed : view?.seeds[0]?.seed
    // All in hand are on their way, and one of them was on disk before the tab was killed.
    if (seed === undefined) return false
    this.seeds.push(seed)
    const of = { rules: Run.rules(), seed, paid: true }
    const middle = async (run: InstanceType<typeof Run>) => {
      bookmark.note(() => ({ ...of, tick: run.tick(), inputs: run.inputs() }))
      await bookmark.write()
      this.underway.add(seed)
    }
    const again = goes && Run.resume(seed, 'Ada', before.inputs, before.tick)
    if (goes && !again) throw new Error(`not resumed at tick ${before.tick}`)
    const inputs = await (again ? finish(again) : play(seed, middle))
    await handIn(account, bookmark, { ...of, tick: 0, inputs })
    return true
  }

  async #wear(account: Account): Promise<boolean> {
    await account.wear(2).kept
    return true
  }
}

describe('a tab that is killed at every point where its queue waits', () => {
  test('b06_wherever_the_tab_is_killed_nothing_is_lost_and_nothing_counts_twice', { timeout: 120_000 }, async () => {
    const killed: string[] = []
    for (let at = 1; ; at += 1) {
      again()
      const world = new World()
      const disk = new Disk(1)
      const deeds = new Deeds()
      const first = new Life(world, disk, at)
      void first.open()
      await deeds.do(first)
      if (!first.killed) {
        // The last life was not disturbed: it had a point for each that was killed.
        expect(first.points.length).toBe(killed.length)
        break
      }
      killed.push(first.points.at(-1) ?? '')
      const second = new Life(world, disk)
      void second.open()
      await deeds.do(second)
      const state = second.account?.state
      expect(state?.refused, `refused after a kill ${killed.at(-1)}`).toEqual([])
      const judged = state?.view?.judged ?? []
      // A run that was on disk when its tab was killed is done again by who does not know that: with another seed.
      const sure = deeds.seeds.filter((seed) => judged.some((each) => each.seed === seed))
      expect(new Set(judged.map(({ seed }) => seed)).size).toBe(judged.length)
      expect(sure.length).toBeGreaterThanOrEqual(2)
      // What was written of a run is enough: it went on, or was handed in.
      expect(sure, `after a kill ${killed.at(-1)}`).toEqual(expect.arrayContaining([...deeds.underway]))
      expect(judged.every((each) => 'scrap' in each)).toBe(true)
      expect([state?.view?.runs.played, state?.view?.look]).toEqual([judged.length, 2])
      const scrap = judged.reduce((sum, each) => sum + ('scrap' in each ? each.scrap : 0), 0)
      expect(state?.view?.scrap).toBe(scrap)
      // Another device of the same user has the same account.
      const other = new Life(world, new Disk(2))
      void other.open()
      await other.quiet()
      await second.account?.wake()
      await second.until('level', (account) => account.hash() === other.account?.hash())
      expect(second.account?.hash()).toBe(other.account?.hash())
      for (const life of [second, other]) life.account?.close()
      expect(world.early).toEqual([])
    }
    expect(new Set(killed)).toEqual(
      new Set(
        ['queue', 'room']
          .flatMap((what) => [`before load ${what}`, `after load ${what}`, `before save ${what}`, `after save ${what}`])
          .concat(['before post', 'after post']),
      ),
    )
  })
})

describe('an account without network', () => {
  test('b01_goes_on_from_disk_alone_and_pays_once_there_is_one', async () => {
    const world = new World()
    const disk = new Disk(1)
    const first = new Life(world, disk)
    await first.open()
    await first.quiet()
    await vi.advanceTimersByTimeAsync(10 * DISK_MS)
    world.online = false
    first.account?.close()
    // Again without a word from the host: what is on disk is enough.
    const second = new Life(world, disk)
    await second.open()
    const seed = second.account?.state.view?.seeds[0]?.seed ?? ''
    const acted = second.account?.run(seed, await played(seed))
    await vi.advanceTimersByTimeAsync(DISK_MS)
    await acted?.kept
    const { view, pending, stale } = second.account?.state ?? {}
    expect([view?.waiting, pending, stale, view?.scrap]).toEqual([[seed], 1, true, 0])
    expect(view?.seeds.map((each) => each.seed)).not.toContain(seed)
    second.account?.close()
    const third = new Life(world, disk)
    await third.open()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(third.account?.state.pending).toBe(1)
    expect(third.account?.state.view?.seeds.map((each) => each.seed)).not.toContain(seed)
    world.online = true
    await third.quiet()
    const paid = third.account?.state.view
    expect(paid?.judged).toMatchObject([{ seed, scrap: paid?.scrap }])
    expect([paid?.runs.played, (paid?.scrap ?? 0) > 0]).toEqual([1, true])
    third.account?.close()
  })

  test('what_the_server_refuses_is_told_with_its_code_and_changes_nothing', async () => {
    const world = new World()
    const [one, other] = [new Life(world, new Disk(1)), new Life(world, new Disk(2))]
    await one.open()
    await other.open()
    await Promise.all([one.quiet(), other.quiet()])
    world.online = false
    const seed = one.account?.state.view?.seeds[0]?.seed ?? ''
    const inputs = await played(seed)
    const acts = [one, other].map((life) => life.account?.run(seed, inputs))
    world.online = true
    await Promise.all([one.quiet(), other.quiet()])
    const verdicts = await Promise.all(acts.map((act) => act?.verdict))
    expect(verdicts).toContainEqual({ accepted: true })
    expect(verdicts).toContainEqual({ accepted: false, code: 'used_seed' })
    const states = [one, other].map((life) => life.account?.state)
    expect(states.flatMap((state) => state?.refused ?? [])).toEqual([{ seq: 1, code: 'used_seed' }])
    // What the copy here knows to be wrong is never queued.
    const bought = one.account?.buy('astronaut')
    await expect(bought?.kept).rejects.toThrow('other_currency')
    expect(await bought?.verdict).toEqual({ accepted: false, code: 'other_currency' })
    expect(one.account?.state.pending).toBe(0)
    for (const life of [one, other]) life.account?.close()
  })

  test('nothing_is_asked_while_nothing_is_owed_but_every_30_s_and_when_woken', async () => {
    const world = new World()
    const life = new Life(world, new Disk(1))
    await life.open()
    await life.quiet()
    await vi.advanceTimersByTimeAsync(1_000)
    const posts = () => life.points.filter((point) => point === 'before post').length
    const before = posts()
    await vi.advanceTimersByTimeAsync(28_000)
    expect(posts()).toBe(before)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(posts()).toBe(before + 1)
    life.account?.wake()
    await vi.advanceTimersByTimeAsync(500)
    expect(posts()).toBe(before + 2)
    life.account?.close()
  })
})
