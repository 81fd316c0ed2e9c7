/** The game as people meet it: a post in Reddit's feed, on a phone, over the app's own bundle in four processes. */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { atMost } from '../../js-host/bench/figure'
import { type LocalDevvit, startLocal } from '../../js-host/devvit/local/local.ts'
import { QUIET } from '../e2e/support/bot'
import { compare, openBrowser } from '../e2e/support/browser'
import { ROOT } from '../e2e/support/cargo'
import { Thumbs } from '../e2e/support/hands'
import { Redditor } from './support/embedded'

const OUTPUT = join(ROOT, 'tests/output')
/** What the platform asks of what is in the feed, in milliseconds. */
const FIRST_CONTENT_MS = 1_000

let browser: Browser
let devvit: LocalDevvit

beforeAll(async () => {
  mkdirSync(OUTPUT, { recursive: true })
  const rooms = { rooms: { contagion: QUIET } }
  browser = await openBrowser()
  devvit = await startLocal({
    instances: 4,
    schedule: false,
    log: () => {},
    variables: { BATON_ROOMS: JSON.stringify(rooms) },
  })
})
afterAll(async () => {
  await browser?.close()
  await devvit?.stop()
})

const picture = (who: Redditor, name: string) => who.page.screenshot({ path: join(OUTPUT, `devvit-${name}.png`) })

test('j20_two_users_play_a_match_in_a_post_by_touch_and_who_is_logged_out_watches', async () => {
  const [alice, bob] = await Promise.all(['alice', 'bob'].map((user) => Redditor.open(browser, devvit, user)))
  if (!alice || !bob) throw new Error('nobody')
  atMost('first content of the post', await alice.firstContent(), 'ms', FIRST_CONTENT_MS)
  // Of somebody who taps nothing: right after a screenshot Chromium gives a tap now and then to the page around the frame.
  const passer = await Redditor.open(browser, devvit, 'carol')
  await passer.firstContent()
  await picture(passer, 'feed')
  await passer.page.close()
  expect(await alice.play()).toBe('Play')
  await bob.play()
  const both = [alice, bob]
  await Promise.all(
    both.map((each) => each.sees('two players', ({ here, phase }) => here.length === 2 && phase === 'playing')),
  )
  const before = await alice.sees('where she is', ({ x }) => x !== undefined)
  const thumbs = await Thumbs.of(alice.page)
  // Open ground, and far from its edge.
  await thumbs.walk(0)
  await alice.sees('that she has moved', ({ x }) => x !== before.x)
  await thumbs.walk(null)
  await Promise.all(both.map((each) => each.sees('the room live', ({ status }) => status === 'live')))
  await picture(alice, 'game')
  const watcher = await Redditor.open(browser, devvit, undefined)
  expect(await watcher.play()).toBe('Watch')
  const from = await watcher.sees('the match', ({ version, here }) => version > 0 && here.length === 2)
  await watcher.sees('more of it', ({ version, me }) => version > from.version + 5 && me === null)
  await picture(watcher, 'watching')
  const histories = await Promise.all([...both, watcher].map((each) => each.history()))
  for (const other of histories.slice(1)) {
    const { equal, differ } = compare(histories[0] ?? new Map(), other)
    expect(differ).toEqual([])
    expect(equal).toBeGreaterThan(3)
  }
  const { calls } = await devvit.calls()
  expect(calls.Send).toBeGreaterThan(0)
  expect([...both, watcher].map(({ faults }) => faults)).toEqual([[], [], []])
})
