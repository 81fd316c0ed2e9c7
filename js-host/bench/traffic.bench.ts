/**
 * Bytes on the socket, per client and second, in a match of ten active players (two inputs a second
 * each) whose frames are pushed; beside what JSON snapshots of the same match would weigh, ten a
 * second. And from the start of the server to a first reply.
 */

import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { instantiate } from '#wasm/client'
import { atMost, median, plain } from './figure'
import { guest, join } from './http'
import { MATCH } from './match'
import { startBaton } from './server'

const PLAYERS = 10
const MEASURED_MS = 20_000
const INPUT_MS = 500
const SNAPSHOTS_PER_S = 10
/** Of a WebSocket message up to 125 bytes, and above. */
const HEADER_BYTES = 2
const LONG_HEADER_BYTES = 4
const COLD_STARTS = 5

await run()

async function run(): Promise<void> {
  await traffic()
  await coldStart()
}

async function traffic(): Promise<void> {
  const server = await startBaton('embedded', { contagion: MATCH })
  try {
    const players = await join(server, 'traffic', PLAYERS)
    const { token, user } = await guest(server)
    const url = `${server.origin.replace('http', 'ws')}/api/rooms/contagion/traffic/live`
    const socket = new WebSocket(url, ['baton.v1', token])
    socket.binaryType = 'arraybuffer'
    let bytes = 0
    let frames = 0
    socket.addEventListener('message', ({ data }: MessageEvent<ArrayBuffer>) => {
      bytes += data.byteLength + (data.byteLength > 125 ? LONG_HEADER_BYTES : HEADER_BYTES)
      frames += 1
    })
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve)
      socket.addEventListener('error', reject)
    })
    const began = performance.now()
    await Promise.all(
      players.map(async (player, index) => {
        await sleep((index * INPUT_MS) / PLAYERS)
        for (let count = 1; performance.now() - began < MEASURED_MS; count++) {
          await player.ask(count % 8 === 0 ? 'here' : 'unsaid', 1)
          await sleep(INPUT_MS)
        }
      }),
    )
    const seconds = (performance.now() - began) / 1_000
    socket.close()
    const snapshot = await jsonSnapshot(server.origin, token, user)
    const pushed = bytes / seconds
    atMost(`bytes pushed per client and s, ${PLAYERS} active players`, pushed, 'B/s', 1_000)
    plain('frames pushed per s', frames / seconds, '1/s')
    plain(`peer: JSON snapshots of that match, ${SNAPSHOTS_PER_S}/s`, snapshot * SNAPSHOTS_PER_S, 'B/s')
    plain('JSON snapshots / frames', (snapshot * SNAPSHOTS_PER_S) / pushed, 'x')
  } finally {
    await server.stop()
  }
}

/** The length of the match's state as a server that sends states would write it: what is drawn, as JSON. */
async function jsonSnapshot(origin: string, token: string, user: string): Promise<number> {
  const wasm = readFileSync(new URL('../dist/wasm/client/baton_client_bg.wasm', import.meta.url))
  const { Replica } = instantiate(new WebAssembly.Module(wasm))
  const replica = new Replica(user, crypto.getRandomValues(new Uint8Array(16)))
  for (let tries = 0; replica.version() === 0; tries++) {
    if (tries > 20) throw new Error('the match could not be read')
    const sent_ms = performance.now()
    const response = await fetch(`${origin}/api/rooms/contagion/traffic`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.baton', authorization: `Bearer ${token}` },
      body: replica.request(false, sent_ms) as Uint8Array<ArrayBuffer>,
    })
    replica.receive(new Uint8Array(await response.arrayBuffer()), sent_ms, performance.now())
  }
  replica.predict(performance.now())
  const rows = [...replica.sprites()]
  const stride = 7
  const figures = []
  for (let at = 0; at < rows.length; at += stride) {
    const [kind, id, x, y, facing, health, flags] = rows.slice(at, at + stride)
    figures.push({ kind, id, x, y, facing, health, flags })
  }
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
