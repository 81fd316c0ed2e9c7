/**
 * What a tick of the game costs, natively and in wasm as it ships, beside the obvious way to write
 * the same rules (`crates/bench`); all take turns in one run, and all must end with the same state.
 * Decides nothing about what happens in a scene.
 */

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { atMost, median, percentile, plain } from './figure'
import { variable } from './server'

/** As `crates/bench` numbers them. */
const SCENES = [
  { name: '600 zombies, 64 players', full: true },
  { name: '600 zombies, 64 players in one place', full: true },
  { name: '200 zombies, 50 players', full: false },
]
const [OURS, OBVIOUS] = [0, 1]
/** Ticks until everybody hunts and machine code is optimised, and ticks that are timed. */
const BEFORE = 200
const TIMED = 400
const TURNS = 5
const TICK_AIM_US = 100
const WASM_AIM = 1.3
const HASH_AIM_US = 20
const AIM_BYTES_EACH = 10

const STEPS = ['act', 'tick', 'encode', 'fingerprint', 'draw'] as const
type Step = (typeof STEPS)[number]

/** Microseconds of each step in each tick, and what came of it. */
interface Times {
  steps: Record<Step, number[]>
  length: number
  fingerprint: string
}

interface Face {
  open(scene: number, version: number): number
  prepare(): void
  act(): void
  tick(): void
  encode(): number
  fingerprint(): bigint
  draw(): number
}

const module = new WebAssembly.Module(readFileSync(variable('BATON_BENCH_WASM')))

const places = {
  native(scene: number, version: number): Times {
    const wanted = [scene, version, BEFORE, TIMED].map(String)
    const line = execFileSync(variable('BATON_BENCH_NATIVE'), wanted, { encoding: 'utf8', maxBuffer: 1 << 24 })
    const told = JSON.parse(line) as Record<Step, number[]> & { length: number; fingerprint_hex: string }
    const us = (step: Step) => [step, told[step].map((ns) => ns / 1_000)] as const
    return {
      steps: Object.fromEntries(STEPS.map(us)) as Times['steps'],
      length: told.length,
      fingerprint: told.fingerprint_hex,
    }
  },

  wasm(scene: number, version: number): Times {
    const face = new WebAssembly.Instance(module).exports as unknown as Face
    if (!face.open(scene, version)) throw new Error('no such scene')
    const steps = Object.fromEntries(STEPS.map((step) => [step, [] as number[]])) as Times['steps']
    for (let tick = 0; tick < BEFORE + TIMED; tick++) {
      face.prepare()
      for (const step of STEPS) {
        const began = performance.now()
        face[step]()
        const us = (performance.now() - began) * 1_000
        if (tick >= BEFORE) steps[step].push(us)
      }
    }
    const fingerprint = BigInt.asUintN(64, face.fingerprint()).toString(16).padStart(16, '0')
    return { steps, length: face.encode(), fingerprint }
  },
}

for (const [scene, { name, full }] of SCENES.entries()) measure(scene, name, full)

function measure(scene: number, name: string, full: boolean): void {
  const turns = { native: [] as Times[], wasm: [] as Times[], slow_native: [] as Times[], slow_wasm: [] as Times[] }
  for (let turn = 0; turn < TURNS; turn++) {
    turns.native.push(places.native(scene, OURS))
    turns.wasm.push(places.wasm(scene, OURS))
    if (turn % 2 > 0) continue
    turns.slow_native.push(places.native(scene, OBVIOUS))
    turns.slow_wasm.push(places.wasm(scene, OBVIOUS))
  }
  const states = new Set(Object.values(turns).flatMap((times) => times.map(({ fingerprint }) => fingerprint)))
  if (states.size !== 1) throw new Error(`${name}: the versions end in ${states.size} different states`)

  const [native, wasm] = [settled(turns.native, 'tick'), settled(turns.wasm, 'tick')]
  const obvious = settled(turns.slow_wasm, 'tick')
  if (full) {
    atMost(`tick in wasm, ${name}`, median(wasm), 'us', TICK_AIM_US)
    plain('  its 95th percentile', percentile(wasm, 95), 'us')
    plain('  its worst tick', Math.max(...wasm), 'us')
    plain('  natively', median(native), 'us')
    atMost('  wasm / native', median(wasm) / median(native), 'x', WASM_AIM)
    plain('  peer: the obvious version in wasm', median(obvious), 'us')
    plain('  peer: the obvious version natively', median(settled(turns.slow_native, 'tick')), 'us')
    plain('  obvious / ours, in wasm', median(obvious) / median(wasm), 'x')
    plain('  what players do in a tick, in wasm', median(settled(turns.wasm, 'act')), 'us')
    plain('  the same, natively', median(settled(turns.native, 'act')), 'us')
  } else {
    plain(`tick in wasm, ${name}`, median(wasm), 'us')
    plain('  natively', median(native), 'us')
  }
  console.error(
    `  ${name}: all samples in wasm, with whatever interrupted: ${told(turns.wasm)}; natively: ${told(turns.native)}`,
  )
  if (name.includes('one place')) return
  const [zombies = 0, players = 0] = name.match(/\d+/g)?.map(Number) ?? []
  plain(`encode natively, ${name}`, median(settled(turns.native, 'encode')), 'us')
  atMost('  encode and hash', median(settled(turns.native, 'fingerprint')), 'us', HASH_AIM_US)
  plain('  sprites', median(settled(turns.native, 'draw')), 'us')
  atMost('  state', turns.native[0]?.length ?? Number.NaN, 'bytes', AIM_BYTES_EACH * (zombies + players))
}

/** The same tick is run in each turn: its least time is what it takes when nothing else interrupts. */
function settled(turns: Times[], step: Step): number[] {
  const [first] = turns
  return (first?.steps[step] ?? []).map((_, tick) => Math.min(...turns.map(({ steps }) => steps[step][tick] ?? 0)))
}

function told(turns: Times[]): string {
  const all = turns.flatMap(({ steps }) => steps.tick)
  return `median ${median(all).toFixed(0)}, p95 ${percentile(all, 95).toFixed(0)}, max ${Math.max(...all).toFixed(0)} us`
}
