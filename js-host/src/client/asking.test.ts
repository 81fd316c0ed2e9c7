/** When a page asks: one request at a time, when it is due; and what failures are called. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Asker, Hearing } from './asking'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

test('one_request_at_a_time_goes_when_it_is_due_until_it_is_stopped', async () => {
  const asked: number[] = []
  let stopped = false
  let due_ms = performance.now() + 300
  const began_ms = performance.now()
  const asker = new Asker({
    stopped: () => stopped,
    due: (_, asked_ms) => Math.max(due_ms, asked_ms + 100),
    ask: async (now_ms) => {
      asked.push(now_ms - began_ms)
      await new Promise((later) => setTimeout(later, 250))
    },
    look_ms: 1_000,
  })
  asker.pump()
  asker.pump()
  await vi.advanceTimersByTimeAsync(299)
  expect(asked).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  // Nobody else asks while one is under way.
  asker.pump()
  expect(asked).toEqual([300])
  await vi.advanceTimersByTimeAsync(250)
  expect(asked).toEqual([300, 550])
  // What is due far away is looked at again before that.
  due_ms = began_ms + 10_000
  await vi.advanceTimersByTimeAsync(500)
  due_ms = 0
  await vi.advanceTimersByTimeAsync(1_000)
  expect(asked[2]).toBeLessThanOrEqual(1_800)
  stopped = true
  const before = asked.length
  await vi.advanceTimersByTimeAsync(5_000)
  expect(asked.length).toBe(before)
})

test('who_fails_to_ask_asks_again', async () => {
  let asked = 0
  const said = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const asker = new Asker({
    stopped: () => asked === 3,
    due: (now_ms, asked_ms) => Math.max(now_ms, asked_ms + 100),
    ask: async () => {
      asked += 1
      throw new Error('no disk')
    },
    look_ms: 1_000,
  })
  asker.pump()
  await vi.advanceTimersByTimeAsync(1_000)
  expect([asked, said.mock.calls.length]).toEqual([3, 3])
})

test('a_failure_is_trouble_once_it_lasts_and_a_refusal_counts_if_it_is_about_us', () => {
  vi.stubGlobal('navigator', { onLine: true })
  const hearing = new Hearing()
  const refused = (code: string) => ({ tag: 'refused', code, expected: undefined }) as const
  expect([hearing.heard, hearing.refusal, hearing.trouble(0)]).toEqual([false, null, false])
  hearing.take({ tag: 'failed' }, false, 1_000)
  hearing.take(refused('retry'), false, 1_300)
  expect([hearing.heard, hearing.refusal, hearing.trouble(1_400), hearing.trouble(1_401)]).toEqual([
    false,
    null,
    false,
    true,
  ])
  hearing.take({ tag: 'reply', bytes: new Uint8Array() }, true, 1_500)
  expect([hearing.heard, hearing.trouble(9_000)]).toEqual([true, false])
  hearing.take(refused('device_limit'), false, 9_000)
  expect([hearing.heard, hearing.refusal]).toEqual([true, 'device_limit'])
  vi.stubGlobal('navigator', { onLine: false })
  expect(hearing.trouble(9_000)).toBe(true)
})
