/** The line of a post: messages of a channel, as the platform's client hands them out. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { toBase64 } from '../../base64'
import { channelOf } from '../../realtime'
import { Live } from '../line'
import { openRealtime, place } from './devvit'

interface Connection {
  channel: string
  onConnect(): void
  onDisconnect(): void
  onMessage(message: unknown): void
}

/** As the platform's client: one connection a channel, whose first listeners stay until it is disconnected. */
const platform = vi.hoisted(() => ({
  connections: new Map<string, Connection>(),
  subscribed: 0,
  context: { postId: 't3_abc123' } as { postId: string } | undefined,
}))

vi.mock('@devvit/realtime/client', () => ({
  connectRealtime(connection: Connection) {
    if (platform.connections.has(connection.channel)) return
    platform.connections.set(connection.channel, connection)
    platform.subscribed += 1
  },
  disconnectRealtime: (channel: string) => platform.connections.delete(channel),
}))
vi.mock('@devvit/client', () => ({
  get context() {
    return platform.context
  },
  showLoginPrompt: () => undefined,
  showShareSheet: async () => undefined,
}))

const SESSION = { token: '', user: 't2_a', name: 'a', expires_ms: 0 }
const ROOM = 't3_abc123'

beforeEach(() => {
  platform.connections.clear()
  platform.subscribed = 0
  platform.context = { postId: ROOM }
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => vi.useRealTimers())

/** What a line has told, and the connection behind it. */
async function line() {
  const told: (string | number[])[] = []
  const close = openRealtime(ROOM, SESSION, {
    open: () => told.push('open'),
    frame: (bytes) => told.push([...bytes]),
    lost: () => told.push('lost'),
  })
  return { told, close, connection: await connected() }
}

/** The one connection, once it is there. */
async function connected(times = 1): Promise<Connection> {
  await vi.waitUntil(() => platform.subscribed === times, { interval: 1 })
  const [connection] = platform.connections.values()
  if (!connection) throw new Error('nothing is connected')
  return connection
}

function messageOf(...frames: number[][]): unknown {
  return { frames: frames.map((bytes) => toBase64(Uint8Array.from(bytes))) }
}

test("it is the room's own channel, and open when the platform says so", async () => {
  const { told, connection } = await line()
  expect(connection.channel).toBe(await channelOf(`contagion/${ROOM}`))
  expect(told).toEqual([])
  connection.onConnect()
  connection.onMessage(messageOf([1, 2], [3]))
  expect(told).toEqual(['open', [1, 2], [3]])
})

test('a message that comes before the word of the platform opens it, once', async () => {
  const { told, connection } = await line()
  connection.onMessage(messageOf([7]))
  connection.onConnect()
  expect(told).toEqual(['open', [7]])
})

test('what is no frame is not told: it would be taken for one of a later version', async () => {
  const { told, connection } = await line()
  connection.onConnect()
  for (const message of [null, 'text', {}, { frames: 7 }, { frames: ['', '%', 7] }]) connection.onMessage(message)
  connection.onMessage({ frames: ['', '%%%', toBase64(Uint8Array.of(9))] })
  expect(told).toEqual(['open', [9]])
})

test('a closed line says nothing more, also if it was closed before it was there', async () => {
  const { told, close, connection } = await line()
  connection.onConnect()
  close()
  connection.onMessage(messageOf([1]))
  connection.onDisconnect()
  expect(platform.connections.size).toBe(0)
  expect(told).toEqual(['open'])

  openRealtime(ROOM, SESSION, { open: () => {}, frame: () => {}, lost: () => told.push('lost') })()
  await channelOf(`contagion/${ROOM}`)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(platform.subscribed).toBe(1)
  expect(told).toEqual(['open'])
})

test('a subscription that is not confirmed is lost; a confirmed one may be silent for as long as it likes', async () => {
  const { told } = await line()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(told).toEqual(['lost'])
  expect(platform.connections.size).toBe(0)

  platform.subscribed = 0
  const silent = await line()
  silent.connection.onConnect()
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect(silent.told).toEqual(['open'])
})

test('a line that was lost is subscribed to anew, and listens to the new one', async () => {
  const frames: number[][] = []
  const live = new Live(ROOM, SESSION, place.ways, {
    onFrame: (frame) => frames.push([...frame]),
    onChange: () => {},
  })
  live.want(true)
  const before = await connected()
  before.onConnect()
  expect(live.open).toBe(true)
  before.onDisconnect()
  expect(live.open).toBe(false)
  await vi.advanceTimersByTimeAsync(1_000)
  const after = await connected(2)
  after.onMessage(messageOf([5]))
  expect(live.open).toBe(true)
  expect(frames).toEqual([[5]])
  live.want(false)
  expect(platform.connections.size).toBe(0)
})

test('the post is the room; outside of a post there is none', () => {
  expect(place.room()).toBe('t3_abc123')
  platform.context = undefined
  expect(place.room()).toBeNull()
})
