/**
 * Many devices at once on one room, in both modes, with requests that are sent twice, sent side by
 * side, and given up on half way: each action is in the log once, in order.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeOf, Device, guest, until } from './device'
import { type Server, startServer } from './server'
import { decode, type Frame, frame, PRESENCE, reply } from './wire'

const DEVICES = 12
const ROUNDS = 6

/** Sends one action in many ways, until its verdict is known. */
async function insist(device: Device, seq: number): Promise<void> {
  const body = device.request(device.hail({ actions: [{ seq, version: 1, body: new Uint8Array([seq % 32]) }] }))
  const impatient = async () => {
    const gone = new AbortController()
    const sent = fetch(device.url, {
      method: 'POST',
      body: body as Uint8Array<ArrayBuffer>,
      headers: { 'content-type': 'application/vnd.baton', authorization: `Bearer ${device.session.token}` },
      signal: gone.signal,
    })
    setTimeout(() => gone.abort(), seq % 7)
    await sent.catch(() => null)
  }
  await until(async () => {
    const answers = await Promise.all([device.send(body), device.send(body), impatient()])
    for (const answer of answers) {
      if (answer?.status === 200) {
        const { device: standing } = decode(reply, new Uint8Array(await answer.arrayBuffer()))
        if ((standing?.mark ?? 0) >= seq) return true
      } else if (answer) {
        expect(await codeOf(answer)).toMatch(/^503 (retry|busy)$/)
      }
    }
    return false
  })
}

async function log(device: Device): Promise<Frame[]> {
  const { news } = await device.ask(null)
  if (news.tag !== 'frames') throw new Error('the room is longer than this test')
  return news.frames.map((bytes) => decode(frame, bytes))
}

describe.each(['embedded', 'stateless'] as const)('%s', (mode) => {
  let server: Server

  beforeAll(async () => {
    server = await startServer({ mode })
  })
  afterAll(() => server?.stop())

  test('each action of each device is in the log once, in order', async () => {
    const url = server.url
    const devices = await Promise.all(
      Array.from({ length: DEVICES }, async () => new Device(url, 'contagion/crowd', await guest(url))),
    )
    await Promise.all(devices.map((device) => device.join()))
    await Promise.all(
      devices.map(async (device) => {
        for (let seq = 1; seq <= ROUNDS; seq++) await insist(device, seq)
      }),
    )
    const [first] = devices
    const frames = first ? await log(first) : []
    const entries = frames.flatMap(({ entries }) => entries)
    expect(entries.filter(({ tag }) => tag === 'setup').length).toBe(1)
    expect(entries.filter(({ tag }) => tag === 'register').length).toBe(DEVICES)
    for (const { number } of devices) {
      const own = entries.flatMap((entry) =>
        (entry.tag === 'act' || entry.tag === 'reject') && entry.device === number ? [entry.seq] : [],
      )
      expect(own).toEqual(Array.from({ length: ROUNDS }, (_, at) => at + 1))
    }
    expect(frames.map(({ v }) => v)).toEqual(frames.map((_, at) => at + 1))
    // Rounds share frames: without that there would be one for each request.
    expect(frames.length).toBeLessThan(DEVICES * ROUNDS)
  })

  test('a room goes on after its only caller has gone away in the middle', async () => {
    const device = new Device(server.url, 'contagion/gone', await guest(server.url))
    const gone = new AbortController()
    const body = device.request(device.hail({ presence: PRESENCE.here }))
    const sent = fetch(device.url, {
      method: 'POST',
      body: body as Uint8Array<ArrayBuffer>,
      headers: { 'content-type': 'application/vnd.baton', authorization: `Bearer ${device.session.token}` },
      signal: gone.signal,
    })
    setTimeout(() => gone.abort(), 2)
    await sent.catch(() => null)
    await device.join()
    expect(await device.act([1])).toHaveLength(1)
  })
})
