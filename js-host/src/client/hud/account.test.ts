/** What is said of the account and of runs. */

import { expect, test } from 'vitest'
import type { AccountCode, AccountState, AccountView } from '../account'
import { begunOf, currencyOf, paidOf, purchaseOf, seedsOf } from './account'

const STATE: AccountState = {
  ...{ view: null, pending: 0, refused: [], purchase: null, evicted: 0 },
  ...{ stale: false, durable: true, outdated: false, refusal: null },
}
const JUDGED = [
  { seed: '18446744073709551615', score: 90, scrap: 9 },
  { seed: '2', flaw: 'too_late' },
  { seed: '4', flaw: 'too_soon' },
]
const VIEW = { judged: JUDGED } as unknown as AccountView

test.each<[Partial<AccountState>, string]>([
  [{}, ''],
  [{ stale: true }, 'Without network: what you see is as of the last visit.'],
  [{ stale: true, pending: 1 }, 'One action waits for the network.'],
  [{ pending: 3 }, '3 actions wait for the server.'],
  [
    { pending: 3, refusal: 'device_limit' },
    'This account has too many devices. What is done here is kept, and not sent.',
  ],
  [{ outdated: true, pending: 1 }, 'There is a newer version. Reload the page.'],
])('of %o is said: %s', (state, words) => {
  expect(currencyOf({ ...STATE, ...state })).toBe(words)
})

const NOBODY = 'Nobody pays for this run: there is no seed in hand.'

test.each<[Parameters<typeof begunOf>[0], boolean, string]>([
  [null, true, ''],
  [null, false, NOBODY],
  ['goes on', true, 'Your run goes on where it was.'],
  ['goes on', false, `Your run goes on where it was. ${NOBODY}`],
  ['handed_in', true, ''],
  ['used', true, 'Your run was handed in before, maybe on another device: this is a new one.'],
  ['expired', false, `Your run is too old to be paid: this is a new one. ${NOBODY}`],
  ['outdated', true, 'The game has changed since your run began: this is a new one.'],
  ['damaged', true, 'Your run cannot be read any more: this is a new one.'],
])('of a run before that %s is said, paid or not (%s): %s', (before, paid, words) => {
  expect(begunOf(before, paid, true)).toBe(words)
})

test('of a run that begins before the account is open no more is said than is known', () => {
  expect(begunOf(null, false, false)).toBe('Nobody pays for this run: the account is not open.')
})

test('of runs without network is said until when they are paid', () => {
  const now_ms = Date.UTC(2026, 0, 10)
  const seeds = (...days: number[]) => days.map((day) => ({ seed: `${day}`, until_ms: now_ms + day * 86_400_000 }))
  const by = (day: number) => new Date(now_ms + day * 86_400_000).toLocaleDateString()
  expect(seedsOf([], now_ms)).toBe('No more runs are paid until there is a network.')
  expect(seedsOf(seeds(9, 4, 12), now_ms)).toBe(`3 more are paid without network, if there is one again by ${by(4)}.`)
  expect(seedsOf(seeds(-1, 0, 3), now_ms)).toBe(`1 more is paid without network, if there is one again by ${by(3)}.`)
  expect(seedsOf(seeds(-1, 0), now_ms)).toBe(
    'It is long ago that there was a network: 2 more may be too late to be paid.',
  )
})

test('without an account it is said that it begins with a network', () => {
  expect(currencyOf(null)).toContain('No account yet')
})

test.each<[string | null, AccountView | null, boolean, string]>([
  ['18446744073709551615', VIEW, true, 'Paid: 9 scrap for 90 points.'],
  ['2', VIEW, true, 'Not paid: something was done after its end.'],
  ['4', VIEW, true, 'Not paid: it was handed in sooner than it takes to play it.'],
  ['3', VIEW, true, 'It is kept on this device, and paid when the server has replayed it.'],
  ['3', null, false, 'It is kept until this page is closed, and paid when the server has replayed it.'],
  [null, VIEW, true, 'Nobody pays for this run: there was no seed in hand. The next visit to the network brings some.'],
])('of a run with seed %s', (seed, view, durable, words) => {
  expect(paidOf({ seed }, view, durable)).toBe(words)
})

test.each<[AccountCode | null, string]>([
  [null, 'The server is asked.'],
  ['poor', 'Not bought: there was not enough to pay for it.'],
  ['offline', 'Not bought: there is no network.'],
  ['unknown', 'Nobody knows yet whether it was bought: as soon as there is a network, you see it here.'],
  ['other', 'Not bought: other.'],
])('of a purchase that ended with %s is said: %s', (code, words) => {
  expect(purchaseOf({ item: 'nurse', code })).toBe(words)
})
