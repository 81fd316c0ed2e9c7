/** Frames on their way out: at once, within the rate, together when they wait, never in the way of a game. */

import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Publisher } from '../src/publisher'
import { channelOf, framesOf, type Published } from '../src/realtime'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const frame = (number: number) => new Uint8Array([number])
const numbers = ({ frames }: Published) => frames.map((each) => Buffer.from(each, 'base64')[0])

/** Hashing a channel's name takes time that is real. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(1)
}
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

/** A platform that takes a message and answers when it is told to. */
function slow() {
  const sent: Published[] = []
  let done = () => {}
  const send = (_: string, message: Published) => {
    sent.push(message)
    return new Promise<void>((answered) => {
      done = answered
    })
  }
  return { sent, send, answer: () => done() }
}

test('a frame is sent at once, those that come meanwhile together, in order', async () => {
  const { sent, send, answer } = slow()
  const publisher = new Publisher()
  void publisher.publish('kind/room', frame(1), send)
  await until(() => sent.length === 1)
  for (const number of [2, 3, 4]) void publisher.publish('kind/room', frame(number), send)
  expect(sent.map(numbers)).toEqual([[1]])
  answer()
  await until(() => sent.length === 2)
  expect(sent.map(numbers)).toEqual([[1], [2, 3, 4]])
})

test('an installation sends at most forty messages a second in the long run, and loses no frame by that', async () => {
  const sent: Published[] = []
  const publisher = new Publisher()
  const send = async (_: string, message: Published) => void sent.push(message)
  const seconds = 10
  let count = 0
  for (let tick = 0; tick < seconds * 10; tick++) {
    for (let room = 0; room < 20; room++) void publisher.publish(`kind/room${room}`, frame(tick), send)
    count += 20
    await pass(100)
  }
  for (let waited = 0; sent.flatMap(numbers).length < count && waited < 5_000; waited += 50) {
    await pass(50)
    await sleep(1)
  }
  expect(sent.flatMap(numbers).length).toBe(count)
  expect(sent.length).toBeLessThan(40 * (seconds + 5) + 41)
  expect(sent.length).toBeLessThan(count)
})

test('after a refusal nothing is sent for a second, and what was refused is not sent again', async () => {
  const sent: (number | undefined)[][] = []
  let refuse = true
  const publisher = new Publisher()
  const send = async (_: string, message: Published) => {
    if (refuse) throw new Error('too many')
    sent.push(numbers(message))
  }
  void publisher.publish('kind/room', frame(1), send)
  await until(() => publisher.counters.refused === 1)
  refuse = false
  void publisher.publish('kind/room', frame(2), send)
  await pass(990)
  await sleep(20)
  expect(sent).toEqual([])
  await pass(20)
  await until(() => sent.length === 1)
  expect(sent).toEqual([[2]])
  expect(publisher.counters).toEqual({ sent: 1, refused: 1 })
})

test('a message that is never answered holds nothing up, and what waited goes by who published last', async () => {
  const sent: unknown[] = []
  const publisher = new Publisher()
  void publisher.publish('kind/room', frame(1), () => new Promise(() => sent.push('never')))
  await until(() => sent.length === 1)
  void publisher.publish('kind/room', frame(2), async () => void sent.push('earlier'))
  void publisher.publish('kind/room', frame(3), async (_, message) => void sent.push(numbers(message)))
  await pass(3_000)
  await until(() => publisher.counters.refused === 1)
  await pass(1_010)
  await until(() => sent.length === 2)
  expect(sent).toEqual(['never', [2, 3]])
})

test('who publishes waits until its message was taken, and no longer than a moment', async () => {
  const { sent, send, answer } = slow()
  const publisher = new Publisher()
  const ended: string[] = []
  void publisher.publish('kind/room', frame(1), send).then(() => ended.push('taken'))
  await until(() => sent.length === 1)
  await pass(50)
  expect(ended).toEqual([])
  answer()
  await until(() => ended.length === 1)
  void publisher.publish('kind/room', frame(2), send).then(() => ended.push('gone on'))
  await until(() => sent.length === 2)
  await pass(90)
  expect(ended).toEqual(['taken'])
  await pass(20)
  await until(() => ended.length === 2)
})

test('what waits is bounded: the oldest frames go', async () => {
  const { sent, send, answer } = slow()
  const publisher = new Publisher()
  void publisher.publish('kind/room', frame(1), send)
  await until(() => sent.length === 1)
  for (let number = 0; number < 10; number++) {
    const large = new Uint8Array(60_000)
    large[0] = number
    void publisher.publish('kind/room', large, send)
  }
  answer()
  await until(() => sent.length === 2)
  expect(numbers(sent[1] as Published)).toEqual([7, 8, 9])
})

test('no channel ends in the name of another, and each takes the letters that there are', async () => {
  const rooms = ['contagion/t3_1', 'contagion/t3_11', 'contagion/a-b', 'account/t3_1']
  const channels = await Promise.all(rooms.map(channelOf))
  expect(new Set(channels).size).toBe(rooms.length)
  for (const channel of channels) {
    expect(channel).toMatch(/^[A-Za-z0-9_]+$/)
    expect(channels.filter((other) => other.endsWith(channel))).toEqual([channel])
  }
})

test('a message of something else has no frames', () => {
  for (const other of [null, 7, 'x', [], {}, { frames: 'x' }, { frames: null }]) expect(framesOf(other)).toEqual([])
  expect(framesOf({ frames: ['AQ==', 7] })).toEqual(['AQ=='])
})
