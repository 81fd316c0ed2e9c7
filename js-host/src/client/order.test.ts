/** An order's copies: which of them go, and what is certain when nobody answers. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Answer } from './line'
import { carry, type OrderEnd, type Said } from './order'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const failed: Answer = { tag: 'failed' }
const refused = (code: string): Answer => ({ tag: 'refused', code, expected: undefined })
const waits: Said = { ask_ms: 50 }

/** What becomes of an order that is answered so, the last answer for ever; and the numbers under which copies went. */
async function carried(...answers: (Answer | Said)[]): Promise<[OrderEnd, number[], number]> {
  const sent: number[] = []
  const began_ms = performance.now()
  const ended = carry(
    {
      bytes: (number) => new Uint8Array([number]),
      send: async ([number = 0]) => {
        sent.push(number)
        const answer = answers[Math.min(sent.length, answers.length) - 1] ?? failed
        const told = typeof answer === 'object' && 'tag' in answer
        return told ? answer : { tag: 'reply', bytes: new TextEncoder().encode(JSON.stringify(answer)) }
      },
      read: (bytes) => JSON.parse(new TextDecoder().decode(bytes)) as Said | null,
      stopped: () => false,
    },
    7,
  )
  await vi.advanceTimersByTimeAsync(60_000)
  return [await ended, sent, performance.now() - began_ms]
}

test.each<[string, (Answer | Said)[], OrderEnd, number[]]>([
  ['done at once', ['done'], 'done', [7]],
  ['the same bytes until it is in the log', [waits, waits, 'done'], 'done', [7, 7, 7]],
  ['and after failures of every kind', [failed, refused('retry'), refused('busy'), 'done'], 'done', [7, 7, 7, 7]],
  ['refused by the rules, certain also after a lost answer', [failed, { refused: 8 }], { refused: 8 }, [7, 7]],
  ['refused at the door', [refused('forbidden')], { failed: 'forbidden' }, [7]],
  ['at the door after a copy that may be inside', [failed, refused('evicted')], 'unknown', [7, 7]],
  [
    'a code that nobody knows is no answer',
    [refused('gateway_timeout'), refused('corrupt'), 'done'],
    'done',
    [7, 7, 7],
  ],
  ['and says nothing for certain', [refused('corrupt'), refused('halted')], 'unknown', [7, 7]],
  ['or waits there', [waits, refused('halted')], 'unknown', [7, 7]],
  ['busy changes nothing', [refused('busy'), refused('evicted')], { failed: 'evicted' }, [7, 7]],
  ['under another number if ours was never used by us', [{ mark: 9 }, 'done'], 'done', [7, 10]],
  ['once', [{ mark: 9 }, { mark: 10 }], { failed: 'other' }, [7, 10]],
  ['never if a copy of it may have been done', [failed, { mark: 9 }], 'unknown', [7, 7]],
  ['nor of the second', [{ mark: 9 }, waits, { mark: 11 }], 'unknown', [7, 10, 10]],
])('%s', async (_, answers, end, numbers) => {
  expect((await carried(...answers)).slice(0, 2)).toEqual([end, numbers])
})

test.each<[string, Answer | Said, OrderEnd]>([
  ['without an answer it is unknown', failed, 'unknown'],
  ['without a word that makes sense too', { tag: 'reply', bytes: new TextEncoder().encode('null') }, 'unknown'],
  ['in an inbox as well', waits, 'unknown'],
  ['for certain not if it was turned away every time', refused('rate_limited'), { failed: 'rate_limited' }],
])('it is given up after half a minute: %s', async (_, answer, end) => {
  const [ended, sent, lasted_ms] = await carried(answer)
  expect(ended).toEqual(end)
  expect(lasted_ms).toBe(60_000)
  // Ever more seldom, unless the host says when.
  expect(sent.length).toBeGreaterThan(5)
  expect(sent.length).toBeLessThan(answer === waits ? 700 : 40)
})

test('nobody who is part of nothing orders', async () => {
  const send = vi.fn()
  const ended = await carry({ bytes: () => null, send, read: () => null, stopped: () => false }, 7)
  expect([ended, send.mock.calls]).toEqual([{ failed: 'joining' }, []])
})
