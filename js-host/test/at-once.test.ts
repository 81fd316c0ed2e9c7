/** How much one process takes on, and what it says beyond that. */

import { expect, test } from 'vitest'
import { AtOnce } from '../src/at-once'
import type { Outcome } from '../src/effect'
import { seen } from './fake'

const answered: Outcome = { status: 200, content: 'json', body: new TextEncoder().encode('done') }

test('who comes when there is too much in hand is told at once, and what ends makes room', async () => {
  const atOnce = new AtOnce(2)
  const ends: (() => void)[] = []
  const begin = () => atOnce.ask(() => new Promise((done) => ends.push(() => done(answered))))
  const [first, second] = [begin(), begin()]
  expect(seen(await begin())).toBe('503 busy')
  expect([ends.length, atOnce.count]).toEqual([2, 2])
  ends[0]?.()
  expect(seen(await first)).toBe('200 done')
  const third = begin()
  expect(ends.length).toBe(3)
  for (const end of ends) end()
  expect(await Promise.all([second, third].map(async (each) => seen(await each)))).toEqual(['200 done', '200 done'])
  await expect(atOnce.ask(() => Promise.reject(new Error('broke')))).rejects.toThrow('broke')
  expect(atOnce.count).toBe(0)
})
