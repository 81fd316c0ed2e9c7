/** A room is removed from a store of single keys whole, also where somebody has just appended to it. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { removeRoom, SETTLES_MS } from '../src/stores/removal'
import type { KeyAnswer, KeyCall } from '../src/stores/slots'

const ROOM = 'kind/room'

/** Keys in memory, and what is done to them after a call. */
class FakeKeys {
  readonly kept = new Map<string, string | Set<number>>()
  after: (call: KeyCall) => void = () => {}

  put(part: string, value: string | number[]): void {
    this.kept.set(`{${ROOM}}:${part}`, typeof value === 'string' ? value : new Set(value))
  }

  /** What is there, by the part of the room; a hash as its size. */
  left(): Record<string, string | number> {
    const name = (key: string) => key.slice(key.indexOf('}:') + 2)
    return Object.fromEntries(
      [...this.kept].map(([key, value]) => [name(key), typeof value === 'string' ? value : value.size]),
    )
  }

  async perform(call: KeyCall): Promise<KeyAnswer> {
    const answer = this.#perform(call)
    this.after(call)
    return answer
  }

  #perform(call: KeyCall): KeyAnswer {
    switch (call.tag) {
      case 'set':
        this.kept.set(call.key, call.value)
        return { tag: 'done' }
      case 'delete':
        for (const key of call.keys) this.kept.delete(key)
        return { tag: 'done' }
      case 'start': {
        const value = this.kept.get(call.key) ?? ''
        return typeof value === 'string' ? { tag: 'text', text: value.slice(0, call.bytes) } : { tag: 'wrong_type' }
      }
      case 'field_count': {
        const value = this.kept.get(call.key) ?? new Set()
        return typeof value === 'string' ? { tag: 'wrong_type' } : { tag: 'length', length: value.size }
      }
      default:
        throw new Error(`a removal has no use for ${call.tag}`)
    }
  }
}

let keys: FakeKeys
beforeEach(() => {
  vi.useFakeTimers()
  keys = new FakeKeys()
  for (let segment = 0; segment < 40; segment += 1) {
    keys.put(`log:${segment}`, segment < 38 ? 'frames of what was said' : [1, 2])
    keys.put(`snapshot:${segment}`, 'what was said')
  }
  keys.put('inbox', [7])
  keys.put('hint', '40 38 0')
  keys.put('lease', '9')
})
afterEach(() => vi.useRealTimers())

async function remove(): Promise<void> {
  const removed = removeRoom(keys, ROOM)
  await vi.runAllTimersAsync()
  await removed
  // Whatever anybody had still to do.
  await vi.runAllTimersAsync()
}

/** Where a process that has the room warm would write, nothing can be written any more. */
const BURIED = { 'log:0': '-', 'log:39': '-', 'log:40': '-', inbox: '-', hint: '-' }

test('p10_of_a_removed_room_nothing_is_left_but_what_keeps_others_from_writing', async () => {
  await remove()
  expect(keys.left()).toEqual(BURIED)
  await remove()
  expect(keys.left()).toEqual(BURIED)
})

test('p10_what_an_append_still_keeps_while_a_room_is_removed_is_removed_too', async () => {
  let late = false
  keys.after = (call) => {
    if (late || call.tag !== 'set' || !call.key.endsWith(':log:40')) return
    late = true
    // Its frame was in the log before; a snapshot, a segment as one text and a hint come after it.
    setTimeout(() => {
      keys.put('snapshot:40', 'what was said')
      keys.put('log:38', 'frames of what was said')
      keys.put('hint', '40 39 0')
    }, SETTLES_MS / 2)
  }
  await remove()
  expect(late).toBe(true)
  expect(keys.left()).toEqual(BURIED)
})

test('p10_a_room_that_never_was_is_not_made_by_its_removal', async () => {
  keys.kept.clear()
  await remove()
  expect(keys.left()).toEqual({})
})
