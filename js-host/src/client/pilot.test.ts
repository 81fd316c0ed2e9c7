/** From wishes to actions: what is sent, and how often. */

import { beforeEach, expect, test } from 'vitest'
import { MOMENTS } from './gallery/states'
import { FLAG, KIND, type Mine, type RejectCode, type Verdict, type View } from './game'
import type { Look } from './look'
import { type Acts, Pilot, type Wishes } from './pilot'

const { view: SOME } = MOMENTS.playing as { view: View }
const ACCEPTED: Verdict = { accepted: true }

/** A figure that does what it is told at once, unless a wall is in the way. */
class Field implements Acts, Wishes {
  wish: number | null = null
  held = new Set<string>()
  walks: number | null = null
  phase: View['hud']['phase'] = 'playing'
  mine: Mine | null = SOME.mine && { ...SOME.mine, cooldown_ms: 0 }
  walled = false
  verdict: Verdict = ACCEPTED
  now_ms = 0
  struck_ms = -1_000
  readonly sent: string[] = []
  readonly refused: string[] = []
  readonly #pilot = new Pilot(this, 9, (act, code) => this.refused.push(`${act} ${code}`))

  wants(command: string): boolean {
    return this.held.has(command)
  }

  done(command: string): void {
    if (command !== 'strike') this.held.delete(command)
  }

  steer(wish: number | null): Promise<Verdict> {
    if (this.verdict.accepted && !this.walled) this.walks = wish
    return this.#take(`${wish}`)
  }

  strike(): Promise<Verdict> {
    this.struck_ms = this.now_ms
    return this.#take('strike')
  }

  heal(): Promise<Verdict> {
    return this.#take('heal')
  }

  lure(): Promise<Verdict> {
    return this.#take('lure')
  }

  #take(what: string): Promise<Verdict> {
    this.sent.push(what)
    return Promise.resolve(this.verdict)
  }

  /** Lets frames of 60 a second go by; `each` is called before each. */
  async play(ms: number, each: () => void = () => {}): Promise<string[]> {
    const before = this.sent.length
    for (const end_ms = this.now_ms + ms; this.now_ms < end_ms; this.now_ms += 1_000 / 60) {
      each()
      this.#pilot.act(this, this.#look(), this.now_ms)
      await Promise.resolve()
    }
    return this.sent.slice(before)
  }

  #look(): Look {
    const flags = this.walks === null ? 0 : FLAG.walks
    const rows = Int32Array.from([KIND.player, SOME.me ?? 0, 0, 0, this.walks ?? 0, 100, flags, 0, 0])
    const cooldown_ms = Math.max(0, this.struck_ms + 600 - this.now_ms)
    const mine = this.mine && { ...this.mine, cooldown_ms }
    return { rows, view: { ...SOME, mine, hud: { ...SOME.hud, phase: this.phase } } } as Look
  }
}

let field: Field
beforeEach(() => {
  field = new Field()
})

test('it steers when the wish differs, once, and stops', async () => {
  field.wish = 8
  expect(await field.play(2_000)).toEqual(['8'])
  field.wish = null
  expect(await field.play(2_000)).toEqual(['null'])
})

test('a key held through the countdown counts when play starts, and again after lying down', async () => {
  field.phase = 'countdown'
  field.wish = 3
  field.held.add('strike')
  expect(await field.play(1_000)).toEqual([])
  field.phase = 'playing'
  expect((await field.play(200)).sort()).toEqual(['3', 'strike'])
  field.held.clear()
  const standing = field.mine
  field.mine = standing && { ...standing, down_ms: 2_000 }
  field.walks = null
  expect(await field.play(2_000)).toEqual([])
  field.mine = standing
  expect(await field.play(200)).toEqual(['3'])
})

test('a strike that is held repeats as often as the rules let it', async () => {
  field.held.add('strike')
  const struck = await field.play(6_050)
  expect(struck.length).toBeGreaterThanOrEqual(10)
  expect(struck.length).toBeLessThanOrEqual(11)
})

test('a stick that turns all the time and a held strike send five actions a second, and to heal or to stop waits for nothing', async () => {
  let turn = 0
  field.held.add('strike')
  await field.play(1_000)
  const turning = (ms: number) =>
    field.play(ms, () => {
      turn += 1
      field.wish = turn % 32
    })
  const sent = await turning(10_000)
  // Five at once, and then five a second.
  expect(sent.length).toBeLessThanOrEqual(55)
  expect(sent.filter((what) => what === 'strike').length).toBeGreaterThanOrEqual(14)
  expect(sent.filter((what) => what !== 'strike').length).toBeGreaterThanOrEqual(25)
  for (let round = 0; round < 6; round += 1) {
    await turning(1_000 + 90 * round)
    field.held.add('heal')
    expect(await field.play(20)).toContain('heal')
  }
  field.held.clear()
  for (let round = 0; round < 6; round += 1) {
    await turning(1_000 + 90 * round)
    field.wish = null
    expect(await field.play(120)).toEqual(['null'])
  }
})

test('a wish that comes to nothing is sent again each second; a refused one at the next tick', async () => {
  field.walled = true
  field.wish = 5
  expect(await field.play(2_500)).toEqual(['5', '5', '5'])
  field = new Field()
  field.wish = 5
  field.verdict = { accepted: false, code: 'joining' }
  expect((await field.play(450)).length).toBeGreaterThanOrEqual(4)
})

test('heal and lure are sent once, and a refusal is told', async () => {
  field.held.add('heal').add('lure')
  field.verdict = { accepted: false, code: 'empty' satisfies RejectCode }
  expect(await field.play(1_000)).toEqual(['heal', 'lure'])
  expect(field.refused).toEqual(['heal empty', 'lure empty'])
})

test('a spectator does nothing', async () => {
  field.mine = null
  field.wish = 5
  field.held.add('strike').add('heal')
  expect(await field.play(1_000)).toEqual([])
})
