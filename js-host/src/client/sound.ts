/**
 * How the game sounds: every sound is made when it is heard, from noise and plain tones. Decides
 * how each sounds; must not know what happened. Silent until it is turned on, and wherever the
 * browser has no audio.
 */

import { Ear, type SoundName } from './heard'
import type { Look } from './look'

/** A part of a sound. */
interface Tone {
  readonly wave: OscillatorType | 'noise'
  /** When it begins, in milliseconds after the sound does, and how long it dies away. */
  readonly at_ms?: number
  readonly length_ms: number
  /** Its pitch at first and at last; of noise, the middle of what is let through. */
  readonly from_hz: number
  readonly to_hz: number
  readonly loudness: number
  /** How narrow the noise is. */
  readonly narrow?: number
}

const SOUNDS: Record<SoundName, readonly Tone[]> = {
  swing: [{ wave: 'noise', length_ms: 150, from_hz: 500, to_hz: 2_200, loudness: 0.35, narrow: 2 }],
  hit: [
    { wave: 'noise', length_ms: 90, from_hz: 1_800, to_hz: 400, loudness: 0.6, narrow: 0.8 },
    { wave: 'sine', length_ms: 150, from_hz: 190, to_hz: 55, loudness: 0.8 },
  ],
  shot: [
    { wave: 'noise', length_ms: 180, from_hz: 3_200, to_hz: 300, loudness: 0.9, narrow: 0.5 },
    { wave: 'triangle', length_ms: 120, from_hz: 160, to_hz: 40, loudness: 0.7 },
  ],
  bite: [
    { wave: 'noise', length_ms: 60, from_hz: 900, to_hz: 500, loudness: 0.35, narrow: 3 },
    { wave: 'noise', at_ms: 70, length_ms: 70, from_hz: 1_300, to_hz: 350, loudness: 0.35, narrow: 3 },
  ],
  bitten: [
    { wave: 'sawtooth', length_ms: 220, from_hz: 240, to_hz: 70, loudness: 0.35 },
    { wave: 'noise', length_ms: 140, from_hz: 1_500, to_hz: 250, loudness: 0.7, narrow: 1 },
  ],
  infected: [
    { wave: 'triangle', length_ms: 700, from_hz: 330, to_hz: 150, loudness: 0.45 },
    { wave: 'triangle', length_ms: 700, from_hz: 350, to_hz: 156, loudness: 0.45 },
  ],
  heartbeat: [
    { wave: 'sine', length_ms: 130, from_hz: 78, to_hz: 42, loudness: 1 },
    { wave: 'sine', at_ms: 150, length_ms: 150, from_hz: 66, to_hz: 38, loudness: 0.75 },
  ],
  cured: [
    { wave: 'sine', length_ms: 220, from_hz: 523, to_hz: 523, loudness: 0.35 },
    { wave: 'sine', at_ms: 90, length_ms: 240, from_hz: 659, to_hz: 659, loudness: 0.35 },
    { wave: 'sine', at_ms: 180, length_ms: 420, from_hz: 784, to_hz: 784, loudness: 0.4 },
  ],
  taken: [
    { wave: 'triangle', length_ms: 90, from_hz: 660, to_hz: 700, loudness: 0.3 },
    { wave: 'triangle', at_ms: 70, length_ms: 150, from_hz: 990, to_hz: 1_050, loudness: 0.3 },
  ],
  lure: [0, 220, 440].map((at_ms) => ({
    ...{ wave: 'square' as const, at_ms, length_ms: 180 },
    ...{ from_hz: 1_150, to_hz: 760, loudness: 0.16 },
  })),
  tick: [{ wave: 'sine', length_ms: 110, from_hz: 880, to_hz: 860, loudness: 0.4 }],
  begin: [
    { wave: 'sawtooth', length_ms: 500, from_hz: 220, to_hz: 222, loudness: 0.2 },
    { wave: 'sawtooth', at_ms: 120, length_ms: 620, from_hz: 330, to_hz: 333, loudness: 0.22 },
    { wave: 'sine', length_ms: 420, from_hz: 110, to_hz: 55, loudness: 0.6 },
  ],
  rescue: [523, 659, 784, 1_047].map((from_hz, step) => ({
    ...{ wave: 'triangle' as const, at_ms: step * 130, length_ms: 350 + step * 130 },
    ...{ from_hz, to_hz: from_hz, loudness: 0.4 },
  })),
  loss: [392, 370, 311, 196].map((from_hz, step) => ({
    ...{ wave: 'triangle' as const, at_ms: step * 190, length_ms: 420 + step * 160 },
    ...{ from_hz, to_hz: from_hz * 0.97, loudness: 0.4 },
  })),
  turned: [
    { wave: 'sawtooth', length_ms: 800, from_hz: 110, to_hz: 62, loudness: 0.3 },
    { wave: 'sawtooth', length_ms: 800, from_hz: 117, to_hz: 65, loudness: 0.3 },
    { wave: 'noise', length_ms: 700, from_hz: 500, to_hz: 180, loudness: 0.5, narrow: 2 },
  ],
}

const VOLUME = 0.5
/** What is fainter is not worth a sound, and more than this at a time is a din. */
const FAINTEST = 0.06
const MOST_AT_ONCE = 5
const MOST_TONES = 40
const FADE_IN_S = 0.004

/** Plays what is heard. */
export class Sounds {
  readonly #ear = new Ear()
  #on = false
  #audio: AudioContext | null = null
  #out: AudioNode | null = null
  #noise: AudioBuffer | null = null
  #tones = 0

  get on(): boolean {
    return this.#on
  }

  /** Must be set within a gesture of the player, or the browser stays silent. */
  set on(on: boolean) {
    this.#on = on
    try {
      if (on) this.#open()
      const done = on ? this.#audio?.resume() : this.#audio?.suspend()
      done?.catch(() => undefined)
    } catch {
      // No audio here: the game is played without.
      this.#audio = null
    }
  }

  /** Plays what happened between two looks. Never throws. */
  hear(before: Look | null, now: Look): void {
    // Heard in any case: else turning it on would bring what is past.
    const heard = this.#ear.hear(before, now)
    if (!this.#on || this.#audio?.state !== 'running') return
    for (const { sound, loudness } of heard.slice(0, MOST_AT_ONCE)) {
      if (loudness >= FAINTEST) this.#play(SOUNDS[sound], loudness)
    }
  }

  #open(): void {
    if (this.#audio) return
    const audio = new AudioContext()
    // Many sounds at once are pressed together instead of being cut off.
    const out = audio.createDynamicsCompressor()
    const volume = audio.createGain()
    volume.gain.value = VOLUME
    out.connect(volume).connect(audio.destination)
    const noise = audio.createBuffer(1, audio.sampleRate, audio.sampleRate)
    const samples = noise.getChannelData(0)
    for (let at = 0; at < samples.length; at += 1) samples[at] = Math.random() * 2 - 1
    this.#audio = audio
    this.#out = out
    this.#noise = noise
  }

  #play(tones: readonly Tone[], loudness: number): void {
    const [audio, out] = [this.#audio, this.#out]
    if (!audio || !out) return
    try {
      for (const tone of tones) if (this.#tones < MOST_TONES) this.#sound(audio, out, tone, loudness)
    } catch {
      // The browser took its audio away.
      this.#on = false
    }
  }

  #sound(audio: AudioContext, out: AudioNode, tone: Tone, loudness: number): void {
    const from = audio.currentTime + (tone.at_ms ?? 0) / 1_000
    const to = from + tone.length_ms / 1_000
    const gain = audio.createGain()
    gain.gain.setValueAtTime(0, from)
    gain.gain.linearRampToValueAtTime(tone.loudness * loudness, from + FADE_IN_S)
    gain.gain.exponentialRampToValueAtTime(0.0001, to)
    const source = tone.wave === 'noise' ? this.#noisy(audio, tone, gain, from, to) : plain(audio, tone, gain, from, to)
    gain.connect(out)
    this.#tones += 1
    source.onended = () => {
      this.#tones -= 1
      gain.disconnect()
    }
    source.start(from)
    source.stop(to)
  }

  #noisy(audio: AudioContext, tone: Tone, gain: GainNode, from: number, to: number): AudioScheduledSourceNode {
    const source = audio.createBufferSource()
    source.buffer = this.#noise
    source.loop = true
    const band = audio.createBiquadFilter()
    band.type = 'bandpass'
    band.Q.value = tone.narrow ?? 1
    band.frequency.setValueAtTime(tone.from_hz, from)
    band.frequency.exponentialRampToValueAtTime(tone.to_hz, to)
    source.connect(band).connect(gain)
    return source
  }
}

function plain(audio: AudioContext, tone: Tone, gain: GainNode, from: number, to: number): AudioScheduledSourceNode {
  const source = audio.createOscillator()
  source.type = tone.wave === 'noise' ? 'sine' : tone.wave
  source.frequency.setValueAtTime(tone.from_hz, from)
  source.frequency.exponentialRampToValueAtTime(tone.to_hz, to)
  source.connect(gain)
  return source
}
