/** A run on a page, by the real rules: its time, its end, and what is handed in. */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { instantiate } from '#wasm/client'
import { Solo, type SoloEnd } from './solo'

const wasm = new URL('../../dist/wasm/client/baton_client_bg.wasm', import.meta.url)
const module = new WebAssembly.Module(readFileSync(wasm))
const SEED = '18446744073709551615'

/** A run and its ends. */
function begin(run = new (instantiate(module).Run)(SEED, 'Ada')): { solo: Solo; ends: SoloEnd[]; steps: number[] } {
  const [ends, steps]: [SoloEnd[], number[]] = [[], []]
  const solo: Solo = new Solo({
    run,
    onStep: () => steps.push(solo.written.tick),
    onOver: (end) => ends.push(end),
  })
  return { solo, ends, steps }
}

test('a tick passes every 100 ms, and none while the page shows nothing', () => {
  const { solo } = begin()
  expect(solo.look(5_000)?.tick).toBe(0)
  expect(solo.look(5_250)).toMatchObject({ tick: 2, fraction: 0.5 })
  // Away for a minute.
  expect(solo.look(65_250)).toMatchObject({ tick: 2, fraction: 0.5 })
  expect(solo.look(65_350)?.tick).toBe(3)
  expect(solo.look(65_350)?.view).toMatchObject({ me: 0, here: [{ player: 0, name: 'Ada' }] })
})

test('what is done is done at once, and what the rules refuse says why', async () => {
  const { solo } = begin()
  solo.look(0)
  expect(await solo.strike()).toEqual({ accepted: false, code: 'not_playing' })
  for (let now_ms = 0; now_ms <= 3_200; now_ms += 100) solo.look(now_ms)
  expect(solo.look(3_200)?.view?.hud.phase).toBe('playing')
  expect(await solo.steer(8)).toEqual({ accepted: true })
  expect(await solo.heal()).toEqual({ accepted: false, code: 'empty' })
})

test('it ends once, with what a replay of its inputs comes to', async () => {
  const { solo, ends } = begin()
  for (let now_ms = 0; ends.length === 0 && now_ms < 200_000; now_ms += 100) {
    solo.look(now_ms)
    if (now_ms === 4_000) await solo.steer(8)
  }
  for (let now_ms = 300_000; now_ms < 302_000; now_ms += 100) solo.look(now_ms)
  expect(ends.length).toBe(1)
  const again = new (instantiate(module).Run)(SEED, 'Ada')
  for (let tick = 0; tick < 40; tick += 1) again.advance()
  again.steer(8)
  again.finish()
  expect(ends[0]?.inputs).toEqual(again.inputs())
  expect(ends[0]?.result).toEqual(JSON.parse(again.result() ?? 'null'))
  expect(ends[0]?.rescued).toBe(false)
})

test('b01_what_was_written_of_a_run_goes_on_in_another_page_and_comes_to_the_same', async () => {
  const whole = begin()
  let [page, clock_ms, pages] = [begin(), 0, 1]
  for (let now_ms = 0; whole.ends.length === 0 && now_ms < 200_000; now_ms += 100) {
    whole.solo.look(now_ms)
    page.solo.look(clock_ms + now_ms)
    if (now_ms % 700 === 0) for (const { solo } of [whole, page]) await solo.steer((now_ms / 700) % 32)
    if (now_ms % 3_000 !== 2_900) continue
    // The page is gone, with what was not written; another one begins, whose clock says something else.
    const { inputs, tick } = page.solo.written
    const run = instantiate(module).Run.resume(SEED, 'Ada', inputs, tick)
    if (!run) throw new Error(`not resumed at tick ${tick}`)
    page = begin(run)
    pages += 1
    clock_ms = pages * 1_000_000
    expect(page.solo.look(clock_ms + now_ms)?.tick).toBe(tick)
  }
  expect(pages).toBeGreaterThan(3)
  expect(page.ends).toEqual(whole.ends)
})

test('what_never_was_under_way_does_not_go_on', () => {
  const { Run } = instantiate(module)
  const none = new Uint8Array()
  expect(Run.resume(SEED, 'Ada', none, 40)?.tick()).toBe(40)
  for (const [seed, inputs, tick] of [
    ['x', none, 40],
    // Steps before play begins, something that is cut, and something later than that.
    [SEED, Uint8Array.of(0, 0), 40],
    [SEED, Uint8Array.of(40), 41],
    [SEED, Uint8Array.of(50, 0), 40],
  ] as const)
    expect(Run.resume(seed, 'Ada', inputs, tick)).toBe(undefined)
})

test('a step is told when time has passed, and none once it is over', () => {
  const { solo, steps, ends } = begin()
  for (const now_ms of [0, 50, 99, 100, 350, 399]) solo.look(now_ms)
  expect(steps).toEqual([1, 3])
  for (let now_ms = 400; ends.length === 0; now_ms += 100) solo.look(now_ms)
  expect(steps.at(-1)).toBe((ends[0]?.tick ?? 0) - 1)
})

test('a seed is a number of 64 bits, as text', () => {
  const { Run } = instantiate(module)
  for (const seed of ['', '-1', '18446744073709551616', '0x1', '1.5'])
    expect(() => new Run(seed, '')).toThrow('64 bits')
})
