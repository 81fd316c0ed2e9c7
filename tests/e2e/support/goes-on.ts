/** Whether a host goes on from the recorded match: with the recorded hashes, to what another engine computes. */

import { blake3 } from '@noble/hashes/blake3.js'
import { expect } from 'vitest'
import { bytes, decode, encode, list } from '../../../js-host/src/codec'
import { SEGMENT } from '../../../js-host/src/limits'
import { BATON_TYPE } from '../../../js-host/src/router'
import { reply, request } from '../wire'
import { Bot, clientWasm } from './bot'
import { frames, recorded } from './recorded'

const hashOf = (stored: Uint8Array) => blake3(stored).subarray(0, 16)

/** The log as a host hands it out: full blocks, then what comes after them. */
async function logOf(url: string, of: string, send: Bot['send']): Promise<Uint8Array[]> {
  const room = `${url}/api/rooms/${of}`
  const log: Uint8Array[] = []
  for (let last = SEGMENT; last <= frames.length; last += SEGMENT) {
    const hash = Buffer.from(hashOf(frames[last - 1] ?? new Uint8Array())).toString('hex')
    const answer = await send(`${room}/frames/${last - SEGMENT + 1}-${last}/${hash}`, {})
    log.push(...decode(list(bytes), new Uint8Array(await answer.arrayBuffer())))
  }
  const cursor = { v: log.length, hash: hashOf(log.at(-1) ?? new Uint8Array()) }
  const body = encode(request, { protocol: 1, cursor, rules: 1, frames: 1, device: null }) as Uint8Array<ArrayBuffer>
  const answer = await send(room, { method: 'POST', headers: { 'content-type': BATON_TYPE }, body })
  const { news } = decode(reply, new Uint8Array(await answer.arrayBuffer()))
  if (news.tag !== 'frames') throw new Error(`the log ends with a ${news.tag}`)
  return [...log, ...news.frames]
}

/** Somebody joins the room, `kind/name`, in which a host finds the match. */
export async function goesOn(url: string, room: string, send: Bot['send']): Promise<void> {
  const bot = await Bot.join(url, room.slice(room.indexOf('/') + 1), send)
  await bot.until('a frame of this host', () => bot.replica.version() > recorded.frames)
  const log = await logOf(url, room, send)
  expect(log.length).toBeGreaterThan(frames.length)
  expect(log.slice(0, frames.length)).toEqual(frames)
  // Another engine, which compares the state at every frame.
  const wasm = clientWasm()
  const replica = new wasm.Replica('nobody', wasm.newDevice())
  const hashes = log.map((stored) => {
    replica.frame(stored, 0)
    return replica.hash()
  })
  expect([replica.version(), replica.desync()]).toEqual([log.length, undefined])
  expect(recorded.checkpoints.map(({ v }) => hashes[v - 1])).toEqual(recorded.checkpoints.map(({ frame }) => frame))
  // What its player sees is of the same history.
  expect(bot.replica.hash()).toBe(hashes[bot.replica.version() - 1])
}
