/**
 * Bad input over real HTTP, in both modes: what each route answers, and that a room which was given
 * all of it is the same as one that was given the valid requests only.
 */

import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nothing } from '../../js-host/src/effect'
import { BATON_TYPE, codeOf, Device, guest, until } from './device'
import { type Server, startServer } from './server'
import { decode, type Entry, frame, PRESENCE, type Sent } from './wire'

const STOP = [32]
const steer = (angle: number) => [angle]

describe.each(['embedded', 'stateless'] as const)('%s', (mode) => {
  let server: Server

  beforeAll(async () => {
    server = await startServer({ mode })
  })
  afterAll(() => server?.stop())

  test('ten kinds of bad input leave a room as it was', async () => {
    const valid = async (device: Device, bad: () => Promise<void>) => {
      await bad()
      await device.join()
      await bad()
      const verdicts: number[] = []
      for (const body of [steer(3), STOP, steer(200)]) {
        verdicts.push(...(await device.act(body)))
        await bad()
      }
      return verdicts
    }
    const session = await guest(server.url)
    const tried = new Device(server.url, 'contagion/tried', session)
    const control = new Device(server.url, 'contagion/control', session)
    const codes: Record<string, string>[] = []
    const bad = async () => {
      codes.push(await tryAll(server.url, tried))
    }
    const [one, other] = [await valid(tried, bad), await valid(control, async () => {})]
    expect(one).toEqual(other)
    expect(await history(tried)).toEqual(await history(control))

    const [before, joined, ...acted] = codes
    expect(before).toEqual({ ...TABLE, ...UNREGISTERED })
    // Its first number is not used yet: a body for it would be valid.
    const { [REPEATED]: _, ...others } = TABLE
    expect(joined).toEqual(others)
    expect(acted.length).toBe(3)
    for (const each of acted) expect(each).toEqual(TABLE)
  })

  test.each(OTHER_ROUTES)('$expected $name', async ({ expected, path, init }) => {
    const response = await fetch(server.url + path, init)
    expect(await codeOf(response)).toBe(expected)
    expect(response.headers.get('content-security-policy')).toContain("script-src 'self' 'wasm-unsafe-eval';")
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('the page comes with the headers, and from nowhere else', async () => {
    const response = await fetch(`${server.url}/?room=a`)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^text\/html/)
    expect(await response.text()).not.toMatch(/<script(?![^>]*\bsrc=)/)
    const policy = response.headers.get('content-security-policy')
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval';")
    expect(policy).toContain(`connect-src 'self' ${server.url.replace('http', 'ws')};`)
    expect(policy).toMatch(/frame-ancestors 'self' .*reddit\.com/)
    expect((await fetch(`${server.url}/no-such-file`)).headers.get('content-security-policy')).toBe(policy)
  })

  test('a body without a length is cut off at the limit', async () => {
    const { token } = await guest(server.url)
    const status = await new Promise<number>((done, failed) => {
      const outgoing = httpRequest(`${server.url}/api/rooms/contagion/chunked`, {
        method: 'POST',
        headers: { 'content-type': BATON_TYPE, authorization: `Bearer ${token}`, 'transfer-encoding': 'chunked' },
      })
      outgoing.on('response', (response) => {
        done(response.statusCode ?? 0)
        outgoing.destroy()
      })
      outgoing.on('error', failed)
      const chunk = Buffer.alloc(16 * 1024)
      for (let count = 0; count < 8; count++) outgoing.write(chunk)
      outgoing.end()
    })
    expect(status).toBe(413)
  })

  test('the log has a line for what failed, and no token', () => {
    for (const line of server.log().split('\n')) {
      if (line.startsWith('{')) expect(JSON.parse(line)).toMatchObject({ level: expect.any(String) })
    }
    expect(server.log()).not.toMatch(/Bearer|test\.[A-Za-z0-9_-]{20}/)
  })
})

const REPEATED = 'a repeated sequence with another body'

/** What each bad request is answered, once the device has acted. */
const TABLE: Record<string, string> = {
  'a cut request': '400 malformed',
  'nothing at all': '400 malformed',
  'bytes left over': '400 malformed',
  'a length of 2^28 inside': '400 malformed',
  'an oversized body': '413 too_large',
  'an oversized action': '413 too_large',
  'more actions than a window': '413 too_large',
  'another version': '410 protocol',
  'no token': '401 unauthorized',
  'a bad token': '401 unauthorized',
  'another user with this device': '409 unregistered',
  'headers that claim a user': '401 unauthorized',
  'another content type': '415 media_type',
  'a compressed body': '415 media_type',
  'a gap': '409 gap',
  'holes between actions': '400 malformed',
  [REPEATED]: '409 conflict_body',
  'session 0': '400 malformed',
}
/** The same before the device has joined: it has no number, and actions need one. */
const UNREGISTERED: Record<string, string> = {
  'a gap': '409 unregistered',
  [REPEATED]: '409 unregistered',
}

/** Sends every bad request. Returns what each was answered. */
async function tryAll(url: string, device: Device): Promise<Record<string, string>> {
  const whole = device.request(device.hail({ presence: PRESENCE.here }))
  const action = (seq: number, body = [1, 2, 3]) => ({ seq, version: 1, body: new Uint8Array(body) })
  const acting = (...actions: Sent[]) => device.request(device.hail({ actions }))
  const next = device.seq + 1
  const stranger = new Device(url, new URL(device.url).pathname.slice('/api/rooms/'.length), await guest(url))
  const nobody = (headers: Record<string, string>) =>
    device.send(acting(action(next)), { authorization: '', ...headers })
  const bare = (headers: Record<string, string>) =>
    fetch(device.url, {
      method: 'POST',
      body: acting(action(next)) as Uint8Array<ArrayBuffer>,
      headers: { 'content-type': BATON_TYPE, ...headers },
    })
  const long = new Uint8Array([...whole.subarray(0, whole.length - 1), 0x80, 0x80, 0x80, 0x80, 0x01, 1])
  const tries: Record<string, () => Promise<Response>> = {
    'a cut request': () => device.send(whole.subarray(0, whole.length - 3)),
    'nothing at all': () => device.send(new Uint8Array()),
    'bytes left over': () => device.send(new Uint8Array([...whole, 0])),
    'a length of 2^28 inside': () => device.send(long),
    'an oversized body': () => device.send(new Uint8Array(64 * 1024 + 1).fill(1)),
    'an oversized action': () => device.send(acting({ seq: next, version: 1, body: new Uint8Array(4097) })),
    'more actions than a window': () =>
      device.send(acting(...Array.from({ length: 33 }, (_, at) => action(next + at)))),
    'another version': () => device.send(device.request(device.hail(), { protocol: 2 })),
    'no token': () => bare({}),
    'a bad token': () => nobody({ authorization: `Bearer ${device.session.token}x` }),
    'another user with this device': () =>
      stranger.send(device.request(device.hail({ number: device.number ?? 0, actions: [action(next)] }))),
    'headers that claim a user': () =>
      bare({
        'devvit-user': device.session.user,
        'devvit-user-name': device.session.name,
        'x-user': device.session.user,
      }),
    'another content type': () => device.send(whole, { 'content-type': 'application/octet-stream' }),
    'a compressed body': () => device.send(whole, { 'content-encoding': 'gzip' }),
    'a gap': () => device.send(acting(action(next + 1))),
    'holes between actions': () => device.send(acting(action(next), action(next + 2))),
    [REPEATED]: () => device.send(acting(action(Math.max(1, device.seq), [9, 9, 9]))),
    'session 0': () => device.send(device.request(device.hail({ session: 0 }))),
  }
  const codes: Record<string, string> = {}
  if (device.number !== null && device.seq === 0) delete tries[REPEATED]
  for (const [name, send] of Object.entries(tries)) codes[name] = await codeOf(await send())
  return codes
}

/** What happened in a room, without when: who registered, joined and acted, in order, and each verdict. */
async function history(device: Device): Promise<unknown[]> {
  const answer = await device.ask(null, { cursor: nothing() })
  if (answer.news.tag !== 'frames') throw new Error(`the room answered with a ${answer.news.tag}`)
  const entries = answer.news.frames.flatMap((bytes) => decode(frame, bytes).entries)
  return entries.map(without).filter((entry) => entry !== null)
}

function without(entry: Entry): unknown {
  switch (entry.tag) {
    case 'beat':
      return null
    case 'join':
    case 'leave':
      return { tag: entry.tag, device: entry.device, session: entry.session }
    case 'register':
      return { tag: entry.tag, user: entry.user, name: entry.name, client: entry.client }
    default:
      return entry
  }
}

interface Route {
  name: string
  expected: string
  path: string
  init?: RequestInit
}

const json = (body: string, type = 'application/json'): RequestInit => ({
  method: 'POST',
  body,
  headers: { 'content-type': type },
})
const room = '/api/rooms/contagion/a'
const HASH = '0'.repeat(32)

/** The other routes, where an answer depends on no room. */
const OTHER_ROUTES: Route[] = [
  { name: 'session: cut', expected: '400 malformed', path: '/api/session', init: json('{"token":') },
  { name: 'session: oversized', expected: '413 too_large', path: '/api/session', init: json(' '.repeat(5000)) },
  { name: 'session: forged user', expected: '400 malformed', path: '/api/session', init: json('{"user":"admin"}') },
  { name: 'session: deep JSON', expected: '400 malformed', path: '/api/session', init: json('['.repeat(128)) },
  { name: 'session: very deep', expected: '413 too_large', path: '/api/session', init: json('['.repeat(100_000)) },
  { name: 'session: content type', expected: '415 media_type', path: '/api/session', init: json('{}', 'text/plain') },
  { name: 'session: bad token', expected: '401 unauthorized', path: '/api/session', init: json('{"token":"a.b.c"}') },
  {
    name: 'session: repeated key',
    expected: '400 malformed',
    path: '/api/session',
    init: json('{"token":"a","token":"b"}'),
  },
  { name: 'session: another method', expected: '405 method_not_allowed', path: '/api/session' },
  { name: 'an unknown kind', expected: '404 not_found', path: '/api/rooms/unknown/a', init: json('', BATON_TYPE) },
  { name: 'a kind of every object', expected: '404 not_found', path: '/api/rooms/__proto__/a/view' },
  { name: 'a bad name', expected: '400 bad_name', path: '/api/rooms/contagion/a%2e%2e%2fb/view' },
  {
    name: 'a name of every object',
    expected: '400 bad_name',
    path: '/api/rooms/contagion/__proto__',
    init: json('', BATON_TYPE),
  },
  { name: 'a long name', expected: '400 bad_name', path: `/api/rooms/contagion/${'a'.repeat(1000)}/view` },
  { name: 'a room: deep JSON', expected: '415 media_type', path: room, init: json('['.repeat(1000)) },
  { name: 'a room: another method', expected: '405 method_not_allowed', path: room, init: { method: 'PUT' } },
  {
    name: 'a room: token in the URL',
    expected: '401 unauthorized',
    path: `${room}?token=a.b.c`,
    init: json('x', BATON_TYPE),
  },
  { name: 'a room that never was: view', expected: '404 not_found', path: '/api/rooms/contagion/never/view' },
  {
    name: 'view: bad token',
    expected: '401 unauthorized',
    path: `${room}/view`,
    init: { headers: { authorization: 'Bearer x' } },
  },
  { name: 'view: a query', expected: '400 malformed', path: `${room}/view?x=1` },
  { name: 'view: another method', expected: '405 method_not_allowed', path: `${room}/view`, init: json('{}') },
  { name: 'frames: none there', expected: '404 not_found', path: `${room}/frames/1-64/${HASH}` },
  { name: 'frames: not aligned', expected: '404 not_found', path: `${room}/frames/2-65/${HASH}` },
  { name: 'frames: no hash', expected: '404 not_found', path: `${room}/frames/1-64/xyz` },
  {
    name: 'frames: beyond 2^53',
    expected: '404 not_found',
    path: `${room}/frames/9007199254740929-9007199254740992/${HASH}`,
  },
  {
    name: 'frames: another method',
    expected: '405 method_not_allowed',
    path: `${room}/frames/1-64/${HASH}`,
    init: json('{}'),
  },
  { name: 'live: no upgrade', expected: '426 upgrade_required', path: `${room}/live` },
  { name: 'live: another method', expected: '405 method_not_allowed', path: `${room}/live`, init: json('{}') },
  { name: 'health: another method', expected: '405 method_not_allowed', path: '/api/health', init: json('{}') },
  {
    name: 'a preflight',
    expected: '405 method_not_allowed',
    path: room,
    init: { method: 'OPTIONS', headers: { origin: 'https://evil.test' } },
  },
  { name: 'an undocumented route', expected: '404 not_found', path: '/api/internal/tick', init: json('{}') },
  { name: 'a route of a platform', expected: '405 method_not_allowed', path: '/internal/scheduler', init: json('{}') },
]

test('a host with a bad setting says so, and its log does not say the value', async () => {
  const server = await startServer({ mode: 'embedded', variables: { BATON_KEYS: 'no-key-at-all' } })
  try {
    for (const path of ['/api/health', '/', '/api/rooms/contagion/a/view']) {
      const response = await fetch(server.url + path)
      expect(await codeOf(response)).toBe('503 misconfigured')
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    }
    // What a Worker prints comes a little later than its answer.
    await until(async () => server.log().includes('"event":"misconfigured"'))
    expect(server.log()).not.toContain('no-key-at-all')
  } finally {
    await server.stop()
  }
})
