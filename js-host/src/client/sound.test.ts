/** Sound where there is none, and where there is. */

import { afterEach, expect, test, vi } from 'vitest'
import { FLAG, KIND, type View } from './game'
import type { Look } from './look'
import { Sounds } from './sound'

afterEach(() => vi.unstubAllGlobals())

/** Our figure, which shoots or does not. */
function look(tick: number, flags: number): Look {
  const counts = { ms_left: 0, match_id: 1, survivors: 1, infected: 0, turned: 0, zombies: 0, players: 1 }
  const view: View = {
    hud: { phase: 'playing', ...counts, last: null, scores: [], feed: [] },
    ...{ me: 1, mine: null, here: [] },
  }
  const rows = Int32Array.from([KIND.player, 1, 0, 0, 0, 100, flags, 0, 0])
  return { ...{ tick, fraction: 0, correction: 0, rows, ahead: rows, view }, terrain: new Uint8Array(), terrainOf: 0 }
}

test('it is off until it is asked for, and a browser without audio plays in silence', () => {
  // Node has no AudioContext, as some embedded browsers have none.
  expect('AudioContext' in globalThis).toBe(false)
  const sounds = new Sounds()
  expect(sounds.on).toBe(false)
  sounds.on = true
  expect(sounds.on).toBe(true)
  expect(() => sounds.hear(look(1, 0), look(2, FLAG.shoots))).not.toThrow()
  sounds.on = false
  expect(sounds.on).toBe(false)
})

test('a browser with audio is asked for it once, plays while it is on, and gives its parts back', () => {
  const audio = fakeAudio()
  vi.stubGlobal('AudioContext', audio.Context)
  const sounds = new Sounds()
  sounds.hear(look(1, 0), look(2, FLAG.shoots))
  expect(audio.made()).toBe(0)
  sounds.on = true
  sounds.hear(look(11, 0), look(12, FLAG.shoots))
  // The bang and the thump.
  expect(audio.playing()).toBe(2)
  audio.end()
  sounds.on = false
  sounds.hear(look(21, 0), look(22, FLAG.shoots))
  expect(audio.playing()).toBe(0)
  sounds.on = true
  expect(audio.made()).toBe(1)
})

test('a din is bounded', () => {
  const audio = fakeAudio()
  vi.stubGlobal('AudioContext', audio.Context)
  const sounds = new Sounds()
  sounds.on = true
  for (let tick = 0; tick < 1_000; tick += 10) sounds.hear(look(tick, 0), look(tick + 5, FLAG.shoots))
  expect(audio.playing()).toBe(40)
  audio.end()
  sounds.hear(look(2_000, 0), look(2_001, FLAG.shoots))
  expect(audio.playing()).toBe(2)
})

interface Playing {
  onended(): void
}

/** An AudioContext that plays nothing and keeps count. */
function fakeAudio() {
  let made = 0
  const playing = new Set<Playing>()
  const node = () => {
    const parameter = {
      value: 0,
      ...calls('setValueAtTime', 'linearRampToValueAtTime', 'exponentialRampToValueAtTime'),
    }
    const self = {
      onended: () => undefined,
      ...{ gain: parameter, frequency: parameter, Q: parameter, getChannelData: () => new Float32Array(8) },
      ...{ connect: (to: unknown) => to, disconnect: () => undefined, stop: () => undefined },
      start: () => playing.add(self),
    }
    return self
  }
  class Context {
    state = 'suspended'
    readonly sampleRate = 8
    readonly currentTime = 0
    constructor() {
      made += 1
      const parts = ['Gain', 'DynamicsCompressor', 'Buffer', 'BufferSource', 'BiquadFilter', 'Oscillator']
      Object.assign(this, Object.fromEntries(parts.map((part) => [`create${part}`, node])))
    }
    async resume() {
      this.state = 'running'
    }
    async suspend() {
      this.state = 'suspended'
    }
  }
  const end = () => {
    for (const source of playing) source.onended()
    playing.clear()
  }
  return { Context, made: () => made, playing: () => playing.size, end }
}

function calls(...names: string[]): Record<string, () => void> {
  return Object.fromEntries(names.map((name) => [name, () => undefined]))
}
