/** A run on a page, by the real rules: its time, its end, and what is handed in. */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { instantiate } from '#wasm/client'
import { Solo, type SoloEnd } from './solo'

const wasm = new URL('../../dist/wasm/client/baton_client_bg.wasm', import.meta.url)
const module = new WebAssembly.Module(readFileSync(wasm))
const SEED = '18446744073709551615'

/** A run and its ends. */
function begin(): { solo: Solo; ends: SoloEnd[] } {
  const ends: SoloEnd[] = []
  const solo = new Solo({ instance: instantiate(module), seed: SEED, name: 'Ada', onOver: (end) => ends.push(end) })
  return { solo, ends }
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

test('a seed is a number of 64 bits, as text', () => {
  const { Run } = instantiate(module)
  for (const seed of ['', '-1', '18446744073709551616', '0x1', '1.5'])
    expect(() => new Run(seed, '')).toThrow('64 bits')
})
