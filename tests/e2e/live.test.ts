/** The live socket, in both modes: what a replica needs of each appended frame, in order, and nothing else. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Device, guest, until } from './device'
import { type Server, startServer } from './server'
import { Bot } from './support/bot'
import { decode, frame } from './wire'

const STOP = [32]

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** A socket with what came over it. Node's WebSocket sends no Origin, as a program does. */
async function watch(url: string, room: string, protocols: string[] = ['baton.v1']) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/rooms/${room}/live`, protocols)
  socket.binaryType = 'arraybuffer'
  const frames: Uint8Array[] = []
  const texts: string[] = []
  socket.addEventListener('message', ({ data }) => {
    if (data instanceof ArrayBuffer) frames.push(new Uint8Array(data))
    else texts.push(String(data))
  })
  const closed = new Promise<number>((done) => socket.addEventListener('close', ({ code }) => done(code)))
  await new Promise<void>((open, failed) => {
    socket.addEventListener('open', () => open())
    socket.addEventListener('error', () => failed(new Error('the socket was refused')))
  })
  return { socket, frames, texts, closed }
}

describe.each(['embedded', 'stateless'] as const)('%s', (mode) => {
  let server: Server

  beforeAll(async () => {
    server = await startServer({ mode })
  })
  afterAll(() => server?.stop())

  test('each watcher gets of each frame that is appended what gives the same frame, in order', async () => {
    const room = 'contagion/live'
    const session = await guest(server.url)
    const device = new Device(server.url, room, session)
    await device.join()
    const bots = [await Bot.join(server.url, 'live'), await Bot.join(server.url, 'live')]
    await Promise.all(bots.map((bot) => bot.ask()))
    const before = (await device.ask(null)).head.v
    const watchers = [await watch(server.url, room), await watch(server.url, room, ['baton.v1', session.token])]
    for (let count = 0; count < 5; count++) await device.act(STOP)
    const { head, news } = await device.ask(null)
    if (news.tag !== 'frames') throw new Error('the room is longer than this test')
    const stored = news.frames.filter((bytes) => decode(frame, bytes).v > before)
    expect(stored.length).toBe(head.v - before)
    for (const [at, { socket, frames, texts, closed }] of watchers.entries()) {
      expect(socket.protocol).toBe('baton.v1')
      await until(async () => frames.length >= stored.length)
      const replica = bots[at]?.replica
      // The last frames before came with a reply; what is published has to continue them.
      for (const frame of frames.slice(0, stored.length)) replica?.frame(frame, performance.now())
      expect([replica?.version(), replica?.hash()]).toEqual([head.v, hex(head.hash)])
      const bytes = (of: Uint8Array[]) => of.reduce((sum, { length }) => sum + length, 0)
      expect(bytes(frames.slice(0, stored.length))).toBeLessThan(bytes(stored) * 0.75)
      expect(texts).toEqual([])
      socket.close()
      await closed
    }
  })

  test('other rooms are not heard', async () => {
    const { frames, socket, closed } = await watch(server.url, 'contagion/silent')
    const device = new Device(server.url, 'contagion/loud', await guest(server.url))
    await device.join()
    await device.act(STOP)
    expect(frames).toEqual([])
    socket.close()
    await closed
  })

  test('a socket that is closed is closed at once', async () => {
    const { socket, closed } = await watch(server.url, 'contagion/closing')
    const began_ms = Date.now()
    socket.close()
    await closed
    expect(Date.now() - began_ms).toBeLessThan(5000)
  })

  test('a ping is answered, anything else ends the socket', async () => {
    const { socket, texts, frames, closed } = await watch(server.url, 'contagion/ping')
    socket.send('ping')
    await until(async () => texts.length > 0)
    expect(texts).toEqual(['pong'])
    socket.send('hello')
    expect(await closed).toBe(1003)
    expect(frames).toEqual([])
  })

  test.each([
    ['a bad token', ['baton.v1', 'a.b.c']],
    ['another protocol', ['baton.v2']],
    ['no protocol', []],
  ])('%s opens no socket', async (_, protocols) => {
    await expect(watch(server.url, 'contagion/refused', protocols)).rejects.toThrow()
  })
})
