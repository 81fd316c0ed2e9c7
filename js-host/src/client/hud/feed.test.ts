/** What is told beside the field: each event once, in words, for a while. */

import { expect, test } from 'vitest'
import { MOMENTS } from '../gallery/states'
import type { Told, View } from '../game'
import { Feed } from './feed'

const { view: SOME } = MOMENTS.playing as { view: View }

function view(feed: Told[], here: [number, string][] = [[1, 'ada']], match_id = 1): View {
  return {
    ...SOME,
    me: 1,
    here: here.map(([player, name]) => ({ player, name })),
    hud: { ...SOME.hud, match_id, feed },
  }
}

const bitten = (seq: number, who = 1): Told => ({ seq, what: 'bitten', who, by: null })
const lines = (feed: Feed, now_ms: number) => feed.lines(now_ms).map(({ text }) => text)

test('an event is told once, and for six seconds', () => {
  const feed = new Feed()
  feed.hear(view([]), 0)
  for (const now_ms of [100, 200, 300]) feed.hear(view([bitten(1)]), now_ms)
  expect(lines(feed, 6_000)).toEqual(['You were bitten by a zombie'])
  expect(lines(feed, 6_100)).toEqual([])
  feed.hear(view([bitten(1)]), 6_200)
  expect(lines(feed, 6_200)).toEqual([])
})

test('what happened before we came is not told', () => {
  const feed = new Feed()
  feed.hear(view([bitten(1), bitten(2)]), 0)
  expect(lines(feed, 0)).toEqual([])
  feed.hear(view([bitten(1), bitten(2), { seq: 3, what: 'cured', who: 1, by: 1 }]), 100)
  expect(lines(feed, 100)).toEqual(['You were cured'])
})

test('a correction takes an event back, or tells it in other words, in its place', () => {
  const feed = new Feed()
  feed.hear(view([]), 0)
  feed.hear(view([bitten(1), bitten(2)]), 100)
  feed.hear(view([{ ...bitten(1), by: 7 }]), 200)
  expect(lines(feed, 200)).toEqual(['You were bitten by Player 7'])
  const [{ since_ms } = { since_ms: 0 }] = feed.lines(200)
  expect(since_ms).toBe(100)
  feed.hear(view([{ ...bitten(1), by: 7 }, bitten(2, 9)]), 300)
  expect(lines(feed, 300)).toEqual(['You were bitten by Player 7', 'Player 9 was bitten by a zombie'])
})

test('the next match counts from one again', () => {
  const feed = new Feed()
  feed.hear(view([bitten(1), bitten(2)]), 0)
  feed.hear(view([bitten(1)], [[1, 'ada']], 2), 100)
  expect(feed.lines(100).map(({ key }) => key)).toEqual(['2/1'])
})

test('who comes and goes is told, but not our own coming', () => {
  const feed = new Feed()
  feed.hear(view([], []), 0)
  const both: [number, string][] = [
    [1, 'ada'],
    [2, 'bob'],
  ]
  feed.hear(view([], both), 100)
  feed.hear(view([{ seq: 1, what: 'turned', who: 2, by: null }], [[1, 'ada']]), 200)
  expect(lines(feed, 200)).toEqual(['bob joined', 'bob left', 'bob turned'])
})

test('of many events the newest few are shown', () => {
  const feed = new Feed()
  feed.hear(view([]), 0)
  feed.hear(view([1, 2, 3, 4, 5, 6, 7].map((seq) => bitten(seq, seq + 10))), 100)
  expect(feed.lines(100).map(({ key }) => key)).toEqual(['1/3', '1/4', '1/5', '1/6', '1/7'])
})
