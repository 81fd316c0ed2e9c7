/**
 * Bytes per client and second in the match that the peers were measured with: 200 zombies, 50
 * clients, ten ticks a second, two inputs a second each. Frames pushed on a socket, and asked for
 * every 100 ms; beside JSON snapshots of the same match. Bodies and WebSocket headers are counted,
 * HTTP headers are not: nor were they of the peers. And from the start of the server to a first reply.
 */

import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { instantiate } from '#wasm/client'
import { atMost, median, plain } from './figure'
import { type Caller, guest, join } from './http'
import { MATCH, ZOMBIES } from './match'
import { type Server, startBaton } from './server'

const PLAYERS = 50
const MEASURED_MS = 15_000
const INPUT_MS = 500
const POLL_MS = 100
/** A third of the time that a silent player is kept: when the client says again that it is here. */
const BEAT_MS = 5_000
const SNAPSHOTS_PER_S = 10
/** Of a WebSocket message up to 125 bytes, and above. */
const HEADER_BYTES = 2
const LONG_HEADER_BYTES = 4
const COLD_STARTS = 5
/** Until everybody has joined. */
const COUNTDOWN_MS = 10_000
const [PUSHED_AIM, POLLED_AIM] = [800, 1_500]
/** Bytes per client and second in such a match, measured on another day: only for the order of magnitude. */
const ELSEWHERE = {
  'bare WebSocket server, JSON state': 44_800,
  'bare WebSocket server, binary state': 17_100,
  'Colyseus 0.18': 21_100,
  'PartyServer, binary state': 16_800,
  'rivetkit 2.3': 23_000,
}

await run()

async function run(): Promise<void> {
  const pushed = await inMatch('pushed', measurePushed)
  await inMatch('polled', measurePolled)
  for (const [name, bytes] of Object.entries(ELSEWHERE)) {
    plain(`  elsewhere, same match: ${name}`, bytes, 'B/s')
    console.error(`  ${name}: ${(bytes / pushed).toFixed(0)} times what we push`)
  }
  await coldStart()
}

/** A match in play that everybody has joined, on a server of its own. */
async function inMatch<T>(
  room: string,
  measure: (server: Server, room: string, players: Caller[]) => Promise<T>,
): Promise<T> {
  const server = await startBaton('embedded', { contagion: { ...MATCH, countdown_ms: COUNTDOWN_MS } })
  try {
    const players = await join(server, room, PLAYERS)
    for (let tries = 0; (await phase(server, room)) !== 'playing'; tries++) {
      if (tries > 200) throw new Error('the match does not begin')
      await Promise.all(players.map((player) => player.ask('unsaid', 0)))
      await sleep(POLL_MS)
    }
    const told = await measure(server, room, players)
    if ((await phase(server, room)) !== 'playing') throw new Error('the match was over before the measurement was')
    return told
  } finally {
    await server.stop()
  }
}

async function phase(server: Server, room: string): Promise<string> {
  const response = await fetch(`${server.origin}/api/rooms/contagion/${room}/view`)
  const { game } = (await response.json()) as { game: { phase: string } }
  return game.phase
}

/** Bytes pushed per second. */
async function measurePushed(server: Server, room: string, players: Caller[]): Promise<number> {
  const { token, user } = await guest(server)
  const socket = new WebSocket(`${server.origin.replace('http', 'ws')}/api/rooms/contagion/${room}/live`, [
    'baton.v1',
    token,
  ])
  socket.binaryType = 'arraybuffer'
  const sizes: number[] = []
  socket.addEventListener('message', ({ data }: MessageEvent<ArrayBuffer>) => {
    sizes.push(data.byteLength + (data.byteLength > 125 ? LONG_HEADER_BYTES : HEADER_BYTES))
  })
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', reject)
  })
  sizes.length = 0
  const { seconds, up, down } = await play(players, INPUT_MS, false)
  socket.close()
  const pushed = sum(sizes) / seconds
  const snapshot = (await jsonSnapshot(server.origin, room, token, user)) * SNAPSHOTS_PER_S
  const match = `${ZOMBIES} zombies, ${PLAYERS} clients`
  atMost(`bytes pushed per client and s, ${match}`, pushed, 'B/s', PUSHED_AIM)
  plain('  frames pushed per s', sizes.length / seconds, '1/s')
  plain('  a frame, its header included', median(sizes), 'bytes')
  plain('  answers to its inputs, beside that', down, 'B/s')
  plain('  sent by the client', up, 'B/s')
  plain('  peer: JSON snapshots of that match, 10/s', snapshot, 'B/s')
  plain('  JSON snapshots / frames', snapshot / pushed, 'x')
  return pushed
}

async function measurePolled(_: Server, __: string, players: Caller[]): Promise<void> {
  const { up, down, asked } = await play(players, POLL_MS, true)
  atMost(`bytes polled per client and s, ${ZOMBIES} zombies, ${PLAYERS} clients`, down, 'B/s', POLLED_AIM)
  plain('  requests per client and s', asked, '1/s')
  plain('  sent by the client', up, 'B/s')
}

/** Everybody plays for a while; what each received and sent, per second. */
async function play(players: Caller[], ask_ms: number, frames: boolean) {
  const before = players.map(({ bytes }) => ({ ...bytes }))
  const began = performance.now()
  let asked = 0
  const each = async (player: Caller, index: number) => {
    let [next_ms, input_ms] = [began + (index * ask_ms) / players.length, began + (index * INPUT_MS) / players.length]
    let beat_ms = began + (index * BEAT_MS) / players.length
    while (next_ms - began < MEASURED_MS) {
      await sleep(Math.max(0, next_ms - performance.now()))
      const now_ms = performance.now()
      const [acts, beats] = [now_ms >= input_ms, now_ms >= beat_ms]
      if (acts) input_ms += INPUT_MS
      if (beats) beat_ms += BEAT_MS
      await player.ask(beats ? 'here' : 'unsaid', Number(acts), frames)
      asked += 1
      // Who is late asks no more often for that.
      next_ms = Math.max(next_ms + ask_ms, performance.now())
    }
  }
  await Promise.all(players.map(each))
  const seconds = (performance.now() - began) / 1_000
  const per_s = (way: 'up' | 'down') => {
    const bytes = players.map((player, index) => player.bytes[way] - (before[index]?.[way] ?? 0))
    return sum(bytes) / players.length / seconds
  }
  return { seconds, up: per_s('up'), down: per_s('down'), asked: asked / players.length / seconds }
}

function sum(numbers: number[]): number {
  return numbers.reduce((all, one) => all + one, 0)
}

/** The length of the match's state as a server that sends states would write it: what is drawn, as JSON. */
async function jsonSnapshot(origin: string, room: string, token: string, user: string): Promise<number> {
  const wasm = readFileSync(new URL('../dist/wasm/client/baton_client_bg.wasm', import.meta.url))
  const { Replica, measures } = instantiate(new WebAssembly.Module(wasm))
  const replica = new Replica(user, crypto.getRandomValues(new Uint8Array(16)))
  for (let tries = 0; replica.version() === 0; tries++) {
    if (tries > 20) throw new Error('the match could not be read')
    const sent_ms = performance.now()
    const response = await fetch(`${origin}/api/rooms/contagion/${room}`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.baton', authorization: `Bearer ${token}` },
      body: replica.request(false, sent_ms) as Uint8Array<ArrayBuffer>,
    })
    replica.receive(new Uint8Array(await response.arrayBuffer()), sent_ms, performance.now())
  }
  replica.predict(performance.now())
  const rows = [...replica.sprites()]
  const { stride } = JSON.parse(measures()) as { stride: number }
  const figures = []
  for (let at = 0; at < rows.length; at += stride) {
    const [kind, id, x, y, facing, health, flags] = rows.slice(at, at + stride)
    figures.push({ kind, id, x, y, facing, health, flags })
  }
  if (figures.length < ZOMBIES) throw new Error(`only ${figures.length} figures are on the field`)
  return JSON.stringify({ figures, hud: replica.hud() }).length
}

async function coldStart(): Promise<void> {
  const samples: number[] = []
  for (let count = 0; count < COLD_STARTS; count++) {
    const server = await startBaton('embedded', { contagion: MATCH })
    try {
      await join(server, 'cold', 1)
      samples.push(performance.now() - server.started_ms)
    } finally {
      await server.stop()
    }
  }
  plain('process start to a first registered player', median(samples), 'ms')
}
