/** A live line by the ways that there are. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Events, Live, type Way } from './line'

const SESSION = { token: 't', user: 'u', name: 'n', expires_ms: 0 }
/** Longer than any pause. */
const LATER_MS = 60_000

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => vi.useRealTimers())

/** A way that is counted, and the line that it opened last. */
function counted() {
  const made = { count: 0, closed: 0, events: null as Events | null }
  const way: Way = (_room, _session, events) => {
    made.count += 1
    made.events = events
    return () => {
      made.closed += 1
    }
  }
  return { made, way }
}

test('until one of two ways has worked, they take turns; then it is this one', () => {
  const [socket, stream] = [counted(), counted()]
  const live = new Live('room', SESSION, [socket.way, stream.way], { onFrame: () => {}, onChange: () => {} })
  live.want(true)
  socket.made.events?.lost()
  vi.advanceTimersByTime(LATER_MS)
  stream.made.events?.open()
  stream.made.events?.lost()
  vi.advanceTimersByTime(LATER_MS)
  expect([socket.made.count, stream.made.count]).toEqual([1, 2])
})

test('where there is one way, it is tried again, as long as it is wanted', () => {
  const only = counted()
  const live = new Live('room', SESSION, [only.way], { onFrame: () => {}, onChange: () => {} })
  live.want(true)
  only.made.events?.lost()
  vi.advanceTimersByTime(LATER_MS)
  expect(only.made.count).toBe(2)
  only.made.events?.lost()
  live.want(false)
  vi.advanceTimersByTime(LATER_MS)
  expect(only.made.count).toBe(2)
})

test('an open line that brings nothing of what answers bring is opened again, and later and later', () => {
  const only = counted()
  const frames: Uint8Array[] = []
  const live = new Live('room', SESSION, [only.way], { onFrame: (frame) => frames.push(frame), onChange: () => {} })
  live.want(true)
  only.made.events?.open()
  for (const open of [true, true, false]) {
    live.missed()
    expect(live.open).toBe(open)
  }
  const dead = only.made.events
  dead?.frame(new Uint8Array([1]))
  expect([live.open, frames.length, only.made.closed]).toEqual([false, 0, 1])
  vi.advanceTimersByTime(LATER_MS)
  expect(only.made.count).toBe(2)
  only.made.events?.open()
  only.made.events?.frame(new Uint8Array([1]))
  expect([live.open, frames.length]).toEqual([true, 1])
})

test('a line that opens and is lost at once is tried less and less often', () => {
  const only = counted()
  const live = new Live('room', SESSION, [only.way], { onFrame: () => {}, onChange: () => {} })
  live.want(true)
  for (let second = 0; second < 120; second += 1) {
    only.made.events?.open()
    only.made.events?.lost()
    vi.advanceTimersByTime(1_000)
  }
  expect(only.made.count).toBeGreaterThan(8)
  expect(only.made.count).toBeLessThan(24)
})
