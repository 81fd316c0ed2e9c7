/** The operator's routes: who is let in, what is asked of a room for them, and that without a key there are none. */

import { expect, test } from 'vitest'
import { decode } from '../src/codec'
import type { Arrival } from '../src/effect'
import { parcel } from '../src/operator'
import { ok, type Play, readNothing } from './fake'
import { code, deploy } from './routes'

const KEY = 'k'.repeat(43)
const BATON = { 'content-type': 'application/vnd.baton' }
const LOG = '/api/admin/rooms/dots/a/log/65'
const SEND = '/api/admin/rooms/dots/a/send/00112233445566ff'

/** A deployment with a key, and what was asked of its rooms. */
async function operated(variables: Record<string, string> = { BATON_ADMIN_KEY: KEY }) {
  const asked: Arrival[] = []
  const play: Play = function* (batch) {
    yield readNothing
    asked.push(...batch)
    return batch.map(() => ok('{}'))
  }
  return { asked, ...(await deploy({ play, variables })) }
}

const bearer = (key: string, headers: HeadersInit = {}) => ({
  headers: { ...headers, authorization: `Bearer ${key}` },
})
const send = (key: string, body: Uint8Array): RequestInit => ({
  ...bearer(key, BATON),
  method: 'POST',
  body: body as Uint8Array<ArrayBuffer>,
})

test('b19_the_log_is_asked_for_without_a_user', async () => {
  const { fetch, asked } = await operated()
  const response = await fetch(LOG, bearer(KEY))
  expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
  expect(asked).toEqual([{ who: null, call: { tag: 'log', from: 65 } }])
  // What is no version is none of the room's.
  for (const from of ['0', '-1', '1e3', 'all', '99999999999999999']) {
    await fetch(`/api/admin/rooms/dots/a/log/${from}`, bearer(KEY))
    expect(asked.at(-1)?.call).toEqual({ tag: 'log', from: 0 })
  }
})

test('b14_an_action_travels_as_what_a_room_sends_the_same_one_under_the_same_lineage', async () => {
  const { fetch, asked } = await operated()
  const body = new Uint8Array([8, 10, 0])
  for (let time = 0; time < 2; time++) expect((await fetch(SEND, send(KEY, body))).status).toBe(200)
  expect(asked[0]).toEqual(asked[1])
  const [arrival] = asked
  if (arrival?.call.tag !== 'deliver') throw new Error('not delivered')
  expect(arrival.who).toBeNull()
  expect(decode(parcel, arrival.call.parcel)).toEqual({
    protocol: new Uint8Array([1]),
    sender: 'operator/admin',
    lineage: new Uint8Array([0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0xff]),
    after: 0,
    sends: [{ seq: 1, body }],
  })
  for (const lineage of ['00', 'G'.repeat(16), '00112233445566FF']) {
    const response = await fetch(`/api/admin/rooms/dots/a/send/${lineage}`, send(KEY, body))
    expect(await code(response)).toBe('404 not_found')
  }
})

test('whoever lacks the key is refused, also with a session, and nothing is asked', async () => {
  const { fetch, asked, bearer: session } = await operated()
  const tries: RequestInit[] = [
    {},
    { headers: session },
    ...['', KEY.slice(1), `${KEY}k`, KEY.toUpperCase(), `${KEY} `, 'é'].map((key) => bearer(encodeURIComponent(key))),
    { headers: { authorization: KEY } },
  ]
  for (const init of tries) expect(await code(await fetch(LOG, init))).toBe('401 unauthorized')
  expect(await code(await fetch(SEND, send('x'.repeat(43), new Uint8Array([1]))))).toBe('401 unauthorized')
  // A key in a URL ends up in logs.
  expect(await code(await fetch(`${LOG}?key=${KEY}`))).toBe('401 unauthorized')
  expect(asked).toEqual([])
})

test('without a key in the settings there is nothing', async () => {
  const { fetch, asked } = await operated({})
  for (const key of ['', KEY]) {
    expect(await code(await fetch(LOG, bearer(key)))).toBe('404 not_found')
    expect(await code(await fetch(SEND, send(key, new Uint8Array([1]))))).toBe('404 not_found')
  }
  expect(asked).toEqual([])
})

test('guesses are limited, and so are those who know', async () => {
  const { fetch, clock } = await operated()
  const statuses = new Set<number>()
  for (let guess = 0; guess < 600; guess++)
    statuses.add((await fetch(LOG, bearer(`${guess}`.padStart(43, '0')))).status)
  expect([...statuses].sort()).toEqual([401, 429])
  expect(await code(await fetch(LOG, bearer(KEY)))).toBe('429 rate_limited')
  clock.now_ms += 1_000
  expect((await fetch(LOG, bearer(KEY))).status).toBe(200)
})
