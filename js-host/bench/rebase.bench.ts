/**
 * What a correction costs a player in Chromium: a frame arrives ten ticks late, and the client's
 * wasm, as it ships, takes it in and plays the ten ticks again. The frames are the handler's, of a
 * match in which everybody acts. Decides nothing about rules or protocol.
 */

import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser } from 'playwright-core'
import { type Instance, instantiate } from '#wasm/client'
import { frame } from '../../tests/e2e/wire'
import { decode } from '../src/codec'
import type { Arrival } from '../src/effect'
import { openBrowser } from './browser'
import { atMost, median, percentile, plain } from './figure'
import { handler } from './handled'
import { Light } from './light'
import { MATCH } from './match'

const FRAMES = 40
/** How often the same frames are taken in. */
const ROUNDS = 12
const LATE_TICKS = 10
const TICK_MS = 100
/** A round lasts for one frame of the handler's pace, and a little. */
const ROUND_MS = 105
const AIM_MS = 2
const WASM = new URL('../dist/wasm/client/', import.meta.url)
const ADA = 'ada'

/** A device in a room, as it was before some frames. */
interface Recording {
  saved: Uint8Array
  room: Uint8Array
  frames: Uint8Array[]
}

const browser = await openBrowser()
try {
  for (const [zombies, players] of [
    [200, 50],
    [600, 64],
  ] as const) {
    await measure(browser, zombies, players)
  }
} finally {
  await browser.close()
}

async function measure(browser: Browser, zombies: number, players: number): Promise<void> {
  const { saved, room, frames } = await record(zombies, players)
  const read = frames.map((bytes) => decode(frame, bytes))
  const page = await browser.newPage()
  const pack = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
  const told = await page.evaluate(takeIn, {
    glue: readFileSync(new URL('baton_client.js', WASM), 'utf8').replace('export function', 'return function'),
    wasm: readFileSync(new URL('baton_client_bg.wasm', WASM)).toString('base64'),
    ...{ saved: pack(saved), room: pack(room), user: ADA },
    frames: frames.map(pack),
    times_ms: read.map(({ time_ms }) => time_ms),
    ...{ rounds: ROUNDS, late_ms: LATE_TICKS * TICK_MS },
  })
  await page.close()
  // The first rounds are for the browser's compiler, and the first frame sets the clock.
  const late = told.flatMap(({ ticks }) => ticks.slice(1).map((tick, at) => tick - (read[at + 1]?.tick ?? 0)))
  if (told.some(({ pending }) => pending < 1)) throw new Error('nothing was pending')
  if (median(late) !== LATE_TICKS) throw new Error(`${median(late)} ticks were played again, not ${LATE_TICKS}`)
  const settled = told.slice(2).flatMap(({ took_ms }) => took_ms.slice(1))
  const mean = settled.reduce((sum, ms) => sum + ms, 0) / settled.length
  const name = `rebase over ${LATE_TICKS} ticks in Chromium, ${zombies} zombies, ${players} players`
  atMost(name, mean, 'ms', AIM_MS)
  plain('  its 95th percentile', percentile(settled, 95), 'ms')
  plain('  its worst', Math.max(...settled), 'ms')
}

/** Lets a match be played, of which ada is a part who only looks. */
async function record(zombies: number, players: number): Promise<Recording> {
  const ask = handler('rebase', { ...MATCH, zombies_at_start: zombies })
  const wasm = readFileSync(new URL('baton_client_bg.wasm', WASM))
  const { Replica, newDevice } = instantiate(new WebAssembly.Module(wasm))
  const ada = new Replica(ADA, newDevice())
  const others = Array.from({ length: players - 1 }, (_, index) => new Light(index))
  const frames: Uint8Array[] = []
  const turn = async (actions: number): Promise<void> => {
    await sleep(ROUND_MS)
    const sent_ms = performance.now()
    const request = ada.request(false, sent_ms)
    const who = { user: ADA, name: ADA }
    const batch: Arrival[] = [
      { who, call: { tag: 'play', request } },
      ...others.map((one) => one.arrival('here', actions)),
    ]
    const { outcomes, frame } = await ask(batch)
    const [mine, ...theirs] = outcomes
    if (mine?.status !== 200) throw new Error(`ada was refused: ${mine?.status}`)
    ada.receive(mine.body, sent_ms, performance.now())
    for (const [index, outcome] of theirs.entries()) others[index]?.take(outcome)
    if (frame) frames.push(frame)
  }
  const playing = () => (JSON.parse(ada.hud() ?? 'null') as { hud: { phase: string } } | null)?.hud.phase === 'playing'
  for (let tries = 0; others.some(({ number }) => number === null) || !playing(); tries++) {
    if (tries > 100) throw new Error('the match does not begin')
    await turn(0)
  }
  const [saved, room] = [ada.save(), ada.saveRoom()]
  if (!room) throw new Error('ada has no room')
  frames.length = 0
  while (frames.length < FRAMES) await turn(1)
  return { saved, room, frames }
}

interface Packed {
  glue: string
  wasm: string
  saved: string
  room: string
  user: string
  frames: string[]
  times_ms: number[]
  rounds: number
  late_ms: number
}

/** Runs in the browser: it must use nothing of this file. */
function takeIn({ glue, wasm, saved, room, user, frames, times_ms, rounds, late_ms }: Packed) {
  const unpack = (text: string) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
  const instantiate = new Function(glue)() as (module: WebAssembly.Module) => Instance
  const face = instantiate(new WebAssembly.Module(unpack(wasm)))
  const bytes = frames.map(unpack)
  const [first_ms = 0] = times_ms
  return Array.from({ length: rounds }, () => {
    const replica = face.Replica.resume(user, unpack(saved))
    if (!replica?.warmUp(unpack(room), 0)) throw new Error('the room cannot be used')
    const took_ms: number[] = []
    const ticks: number[] = []
    for (const [index, frame] of bytes.entries()) {
      const late = index > 0 ? late_ms : 0
      const now_ms = (times_ms[index] ?? 0) - first_ms + late
      replica.predict(now_ms)
      const began = performance.now()
      replica.frame(frame, now_ms)
      took_ms.push(performance.now() - began)
      ticks.push(replica.tick())
      if (index === 0) replica.steer(3, now_ms)
    }
    const pending = replica.pending()
    replica.free()
    return { took_ms, ticks, pending }
  })
}
