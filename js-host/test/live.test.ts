/** Streams of frames: who hears what, who is let go, and when nobody listens any more. */

import { describe, expect, test } from 'vitest'
import { fromBase64 } from '../src/base64'
import { MAX_SOCKETS } from '../src/limits'
import { Loudspeaker, Streams } from '../src/live'
import { code, deploy } from './routes'

const ROOM = 'dots/a'

/** Reads a stream as a page does. */
class Reader {
  readonly frames: number[][] = []
  opened = false
  readonly ended: Promise<void>
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader()
    this.ended = this.#read()
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder()
    for (let rest = ''; ; ) {
      const { done, value } = await this.#reader.read()
      if (done) return
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (line === ': open') this.opened = true
        if (line.startsWith('data: ')) this.frames.push([...fromBase64(line.slice(6))])
      }
    }
  }

  async leave(): Promise<void> {
    await this.#reader.cancel()
  }
}

async function read(streams: Streams, room = ROOM): Promise<Reader> {
  const stream = await streams.stream(room)
  if (!stream) throw new Error('one too many')
  return new Reader(stream)
}

const soon = () => new Promise((later) => setTimeout(later, 5))

describe('streams', () => {
  test('every reader of a room hears its frames, once, and nobody else does', async () => {
    const speaker = new Loudspeaker()
    const streams = new Streams(speaker.listen)
    const [one, two, other] = [await read(streams), await read(streams), await read(streams, 'dots/b')]
    speaker.publish(ROOM, new Uint8Array([0, 255]))
    speaker.publish(ROOM, new Uint8Array([1]))
    await soon()
    expect([one.frames, two.frames, other.frames]).toEqual([[[0, 255], [1]], [[0, 255], [1]], []])
    expect([one.opened, other.opened, streams.open]).toEqual([true, true, 3])
  })

  test('when the last reader goes nobody listens, and the next one is heard again', async () => {
    let listening = 0
    const speaker = new Loudspeaker()
    const streams = new Streams(async (room, hear) => {
      listening += 1
      const stop = await speaker.listen(room, hear)
      return () => {
        listening -= 1
        stop()
      }
    })
    const [one, two] = [await read(streams), await read(streams)]
    expect(listening).toBe(1)
    await one.leave()
    expect(listening).toBe(1)
    await two.leave()
    await soon()
    expect([listening, streams.open]).toEqual([0, 0])
    const three = await read(streams)
    speaker.publish(ROOM, new Uint8Array([3]))
    await soon()
    expect(three.frames).toEqual([[3]])
  })

  test('who does not read is let go, and the others go on', async () => {
    const speaker = new Loudspeaker()
    const streams = new Streams(speaker.listen)
    const slow = await streams.stream(ROOM)
    const quick = await read(streams)
    for (let frame = 0; frame < 12; frame++) {
      speaker.publish(ROOM, new Uint8Array(40_000))
      await soon()
    }
    expect([streams.open, quick.frames.length]).toEqual([1, 12])
    await slow?.cancel()
  })

  test('a room takes so many, and all end together', async () => {
    const streams = new Streams(new Loudspeaker().listen)
    const readers = await Promise.all(Array.from({ length: MAX_SOCKETS }, () => read(streams)))
    expect(await streams.stream(ROOM)).toBeNull()
    const other = await read(streams, 'dots/b')
    streams.end()
    await Promise.all([...readers, other].map(({ ended }) => ended))
    expect(streams.open).toBe(0)
  })

  test('where nothing can be heard there is no stream', async () => {
    const streams = new Streams(() => Promise.reject(new Error('no connection')))
    await expect(streams.stream(ROOM)).rejects.toThrow('no connection')
    expect(streams.open).toBe(0)
  })
})

describe('the route of a stream', () => {
  const path = '/api/rooms/dots/a/live'
  const events = { accept: 'text/event-stream' }

  test('brings frames to who may watch', async () => {
    const speaker = new Loudspeaker()
    const streams = new Streams(speaker.listen)
    const { fetch, bearer } = await deploy({
      ports: { live: null, stream: (kind, name) => streams.stream(`${kind}/${name}`) },
    })
    const response = await fetch(path, { headers: { ...events, ...bearer } })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    const reader = new Reader(response.body as ReadableStream<Uint8Array>)
    speaker.publish(ROOM, new Uint8Array([7]))
    await soon()
    expect(reader.frames).toEqual([[7]])
    await reader.leave()
    // A socket is asked for in vain, and a bad token opens nothing.
    expect(await code(await fetch(path))).toBe('426 upgrade_required')
    expect(await code(await fetch(path, { headers: { ...events, authorization: 'Bearer a.b.c' } }))).toBe(
      '401 unauthorized',
    )
    expect(streams.open).toBe(0)
  })

  test('is refused where there are none, or too many', async () => {
    const without = await deploy()
    expect(await code(await without.fetch(path, { headers: events }))).toBe('426 upgrade_required')
    const full = await deploy({ ports: { stream: async () => null } })
    expect(await code(await full.fetch(path, { headers: events }))).toBe('503 busy')
  })
})
