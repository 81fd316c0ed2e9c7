/** Settings: what is taken, what is refused by name, and the pieces that depend on them. */

import { describe, expect, test } from 'vitest'
import { addressKey, RateLimit } from '../src/rate'
import { SettingError, settingsOf, trouble } from '../src/settings'

const KEYS = { BATON_KEYS: 'a:b' }

test('keys are all that must be set', () => {
  expect(settingsOf({ ...KEYS, OTHER: 1, ROOMS: {} })).toEqual({
    mode: 'embedded',
    store: null,
    store_token: '',
    keys: 'a:b',
    admin_key: null,
    audience: 'baton',
    rooms: '{}',
    origins: [],
    frame_ancestors: "'self' https://*.reddit.com https://reddit.com https://*.devvit.net",
    rate_user: { per_second: 40, burst: 120 },
    rate_address: { per_second: 400, burst: 1200 },
    rate_guest: { per_second: 1, burst: 60 },
    address_header: null,
    store_timeout_ms: 5000,
    log: 'errors',
  })
})

test('lists are cut into their words', () => {
  const set = settingsOf({
    ...KEYS,
    BATON_ORIGINS: 'https://a.test, http://b.test:81',
    BATON_FRAME_ANCESTORS: " 'none' ",
  })
  expect(set.origins).toEqual(['https://a.test', 'http://b.test:81'])
  expect(set.frame_ancestors).toBe("'none'")
})

describe('refused, by name and without the value', () => {
  test.each([
    ['BATON_KEYS', undefined],
    ['BATON_KEYS', ''],
    ['BATON_ADMIN_KEY', 'too-short'],
    ['BATON_ADMIN_KEY', ''],
    ['BATON_ADMIN_KEY', `${'a'.repeat(40)} b`],
    ['BATON_MODE', 'Embedded'],
    ['BATON_STORE', 'mysql://here'],
    ['BATON_STORE', 'redis://a b'],
    ['BATON_STORE', 'redis://a,https://b'],
    ['BATON_STORE', 'redis://a,'],
    ['BATON_STORE_TOKEN', 'a b'],
    ['BATON_AUDIENCE', 'a b'],
    ['BATON_ORIGINS', 'https://a.test/path'],
    ['BATON_ORIGINS', '*'],
    ['BATON_FRAME_ANCESTORS', "'self'; script-src *"],
    ['BATON_FRAME_ANCESTORS', '*'],
    ['BATON_RATE_USER', '10'],
    ['BATON_RATE_USER', '10/0'],
    ['BATON_RATE_GUEST', '-1/5'],
    ['BATON_STORE_TIMEOUT_MS', '99'],
    ['BATON_STORE_TIMEOUT_MS', '60001'],
    ['BATON_STORE_TIMEOUT_MS', '1e3'],
    ['BATON_ADDRESS_HEADER', 'x forwarded'],
    ['BATON_LOG', 'none'],
  ])('%s=%j', (name, value) => {
    const read = () => settingsOf({ ...KEYS, [name]: value })
    expect(read).toThrow(SettingError)
    expect(read).toThrow(new RegExp(`^${name}[ .]`))
  })
})

test.each(['kv', 'KV', 'kv:ROOMS'])('p10_workers_kv_is_refused_with_the_reason: %s', (store) => {
  const read = () => settingsOf({ ...KEYS, BATON_STORE: store })
  expect(read).toThrow(SettingError)
  expect(read).toThrow(/^BATON_STORE: Workers KV cannot decide a race\./)
  try {
    read()
  } catch (error) {
    expect(trouble(error)).toMatchObject({ code: 'undecided_store' })
  }
})

test('no rate is no limit', () => {
  const limit = new RateLimit({ per_second: 0, burst: 0 }, () => 0)
  for (let count = 0; count < 1000; count++) expect(limit.take('a')).toBe(0)
})

test('a rate remembers a bounded number of keys, those seen last', () => {
  const limit = new RateLimit({ per_second: 1, burst: 1 }, () => 0)
  expect(limit.take('first')).toBe(0)
  for (let count = 0; count < 9_999; count++) limit.take(`other ${count}`)
  expect(limit.take('first')).toBe(1)
  for (let count = 0; count < 10_000; count++) limit.take(`more ${count}`)
  expect(limit.take('first')).toBe(0)
})

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::6', '2001:db8:1:2'],
  ['2001:0DB8:0001:0002::', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['::', '0:0:0:0'],
])('the address %s counts as %s', (address, key) => expect(addressKey(address)).toBe(key))
