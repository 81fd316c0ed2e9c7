/** Who goes together, when those who carry a batch never come back: the platform may stop any request. */

import { expect, test, vi } from 'vitest'
import { Batches } from '../src/batch'
import type { Arrival, Outcome } from '../src/effect'
import { seen } from './fake'

const OVERDUE_MS = 30
const asked: Arrival = { who: null, call: { tag: 'view' } }
const answered: Outcome = { status: 200, content: 'empty', body: new Uint8Array() }

test('a batch whose carrier was stopped is unknown to those in it, and the room goes on', async () => {
  vi.useFakeTimers()
  try {
    const served: number[] = []
    const batches = new Batches(async (_kind, _name, batch) => {
      if (batch.length === 0) throw new Error('nobody is in this batch')
      served.push(batch.length)
      // The first two are carried by requests that the platform stops.
      if (served.length <= 2) await new Promise(() => {})
      return batch.map(() => answered)
    }, OVERDUE_MS)
    const ask = () => batches.ask('dots', 'a', [asked]).then(([outcome]) => outcome && seen(outcome))
    void ask()
    void ask()
    const third = ask()
    await vi.advanceTimersByTimeAsync(OVERDUE_MS)
    expect(served).toEqual([1, 2])
    expect(await third).toBe('503 retry')
    const fourth = ask()
    await vi.advanceTimersByTimeAsync(OVERDUE_MS)
    expect(await fourth).toMatch(/^200/)
    expect(served).toEqual([1, 2, 1])
  } finally {
    vi.useRealTimers()
  }
})
