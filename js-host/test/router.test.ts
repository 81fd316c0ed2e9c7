/** The routes: what each takes, and the table of what each refuses. */

import { describe, expect, test, vi } from 'vitest'
import { parseStrictly } from '../src/body'
import { MAX_JSON_BYTES, MAX_REQUEST_BYTES } from '../src/limits'
import { trap } from './fake'
import { code, deploy, whoAsked } from './routes'

const BATON = { 'content-type': 'application/vnd.baton' }
const JSON_TYPE = { 'content-type': 'application/json' }
const HASH = '0123456789abcdef0123456789abcdef'
const UPGRADE = { upgrade: 'websocket', connection: 'upgrade', 'sec-websocket-protocol': 'baton.v1' }

const post = (body: BodyInit | null, headers: HeadersInit = {}): RequestInit => ({ method: 'POST', body, headers })

describe('what is taken', () => {
  test('a session begins with nothing and goes on with a token', async () => {
    const { fetch, sessions } = await deploy()
    const response = await fetch('/api/session', post('{}', { 'content-type': 'Application/JSON; charset=utf-8' }))
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const first = await response.json()
    expect(Object.keys(first).sort()).toEqual(['expires_ms', 'name', 'token', 'user'])
    expect(await sessions.verify(first.token)).toEqual({ user: first.user, name: first.name })
    const renewed = await fetch('/api/session', post(JSON.stringify({ token: first.token }), JSON_TYPE))
    expect(await renewed.json()).toMatchObject({ user: first.user, name: first.name })
  })

  test('a room is asked for its verified user', async () => {
    const { fetch, user, bearer } = await deploy()
    const response = await fetch('/api/rooms/dots/a-Room_1', post('hello', { ...BATON, ...bearer }))
    expect(await response.text()).toBe(`dots/a-Room_1 ${user} hello`)
    expect(response.headers.get('content-type')).toBe('application/vnd.baton')
    expect(response.headers.get('cache-control')).toBe('no-store')
    const nobody = await fetch('/api/rooms/dots/a', post('hello', BATON))
    expect(await nobody.text()).toBe('dots/a nobody hello')
  })

  test('nothing from outside is a delivery', async () => {
    const { fetch, bearer } = await deploy()
    const asked = (response: Response) => response.text()
    // A parcel is a request like any other, and the handler refuses it.
    const parcel = new Uint8Array([1, 9, ...new TextEncoder().encode('dots/other')])
    expect(await asked(await fetch('/api/rooms/dots/a', post(parcel, BATON)))).toMatch(/^dots\/a nobody /)
    for (const headers of [BATON, { ...BATON, ...bearer }]) {
      for (const path of ['deliver', 'parcel', 'ask']) {
        expect(await code(await fetch(`/api/rooms/dots/a/${path}`, post(parcel, headers)))).toBe('404 not_found')
      }
    }
  })

  test('a view is JSON and never kept', async () => {
    const { fetch, user, bearer } = await deploy()
    const response = await fetch('/api/rooms/dots/a/view', { headers: bearer })
    expect(await response.text()).toBe(`dots/a ${user} view`)
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  test('a block is kept for ever and the same for everybody', async () => {
    const { fetch, bearer } = await deploy()
    for (const headers of [{}, bearer, { authorization: 'Bearer nonsense' }]) {
      const response = await fetch(`/api/rooms/dots/a/frames/65-128/${HASH}`, { headers })
      expect(await response.text()).toBe('dots/a nobody block')
      expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
      expect(response.headers.get('etag')).toBe(`"${HASH}"`)
    }
  })

  test.each(['tail', 'snapshot'])('the %s is kept for a second and the same for everybody', async (what) => {
    const { fetch, bearer } = await deploy()
    for (const headers of [{}, bearer, { authorization: 'Bearer nonsense' }]) {
      const response = await fetch(`/api/rooms/dots/a/${what}`, { headers })
      expect(await response.text()).toBe(`dots/a nobody ${what}`)
      expect(response.headers.get('content-type')).toBe('application/vnd.baton')
      expect(response.headers.get('cache-control')).toBe('public, max-age=1, stale-while-revalidate=1')
    }
    const hidden = await deploy({ play: (batch) => whoAskedThen404(batch.length) })
    const refused = await hidden.fetch(`/api/rooms/dots/a/${what}`)
    expect([refused.status, refused.headers.get('cache-control')]).toEqual([404, 'no-store'])
  })

  test('a block that is missing is not kept', async () => {
    const { fetch } = await deploy({
      play: (batch) => whoAskedThen404(batch.length),
    })
    const response = await fetch(`/api/rooms/dots/a/frames/1-64/${HASH}`)
    expect(response.status).toBe(404)
    expect(response.headers.get('cache-control')).toBe('no-store')
    // Whatever a handler says: what is kept for ever is what was found.
    const odd = await deploy({ play: (batch) => failingBlocks(batch.length) })
    const failed = await odd.fetch(`/api/rooms/dots/a/frames/1-64/${HASH}`)
    expect(failed.headers.get('cache-control')).toBe('no-store')
  })

  test('a socket is opened for who may watch, with the token where a browser can put it', async () => {
    const { fetch, token } = await deploy()
    for (const protocol of ['baton.v1', `baton.v1, ${token}`]) {
      const response = await fetch('/api/rooms/dots/a/live', {
        headers: { ...UPGRADE, 'sec-websocket-protocol': protocol },
      })
      expect(await response.text()).toBe('live dots/a')
    }
  })

  test('health tells version and kinds', async () => {
    const { fetch } = await deploy()
    expect(await (await fetch('/api/health')).json()).toEqual({ version: 'test', kinds: ['dots', 'plain', 'purse'] })
    expect((await fetch('/api/health', { method: 'HEAD' })).status).toBe(200)
  })

  test('everything else is the page, with its headers', async () => {
    const { fetch } = await deploy({ variables: { BATON_FRAME_ANCESTORS: 'https://example.org' } })
    const response = await fetch('/?room=a')
    expect(await response.text()).toBe('the page')
    const policy = response.headers.get('content-security-policy')?.split('; ')
    expect(policy).toEqual([
      "default-src 'self'",
      "script-src 'self' 'wasm-unsafe-eval'",
      "img-src 'self' data:",
      "connect-src 'self' wss://baton.test",
      "object-src 'none'",
      "base-uri 'none'",
      "form-action 'none'",
      'frame-ancestors https://example.org',
    ])
  })
})

function* whoAskedThen404(count: number): ReturnType<typeof whoAsked> {
  const body = new TextEncoder().encode('{"code":"not_found","message":"There is no such room."}')
  return Array.from({ length: count }, () => ({ status: 404, content: 'json' as const, body }))
}

function* failingBlocks(count: number): ReturnType<typeof whoAsked> {
  return Array.from({ length: count }, () => ({ status: 503, content: 'block' as const, body: new Uint8Array() }))
}

/** A row: what is asked, and the code it is refused with. */
type Row = [expected: string, path: string, init?: RequestInit]

const large = new Uint8Array(MAX_REQUEST_BYTES + 1)
const room = '/api/rooms/dots/a'
const block = (range: string, hash = HASH) => `${room}/frames/${range}/${hash}`
const upgrade = (headers: Record<string, string>): RequestInit => ({ headers: { ...UPGRADE, ...headers } })
const deep = `{"token":${'['.repeat(100_000)}${']'.repeat(100_000)}}`

const refusals: Row[] = [
  // Routes that are not there.
  ['404 not_found', '/api'],
  ['404 not_found', '/api/'],
  ['404 not_found', '/api/v0/session', post('{}', JSON_TYPE)],
  ['404 not_found', '/api/rooms'],
  ['404 not_found', '/api/rooms/dots'],
  ['404 not_found', `${room}/`],
  ['404 not_found', `${room}/view/x`],
  ['404 not_found', `${room}/frames/1-64`],
  ['404 not_found', '/api/internal/tick', post('{}', JSON_TYPE)],
  ['405 method_not_allowed', '/internal/scheduler', post('{}', JSON_TYPE)],
  // Methods.
  ['405 method_not_allowed', '/api/health', post('')],
  ['405 method_not_allowed', '/api/session'],
  ['405 method_not_allowed', '/api/session', { method: 'OPTIONS', headers: { origin: 'https://evil.test' } }],
  ['405 method_not_allowed', room],
  ['405 method_not_allowed', room, { method: 'PUT', body: 'x', headers: BATON }],
  ['405 method_not_allowed', `${room}/view`, post('')],
  ['405 method_not_allowed', block('1-64'), { method: 'DELETE' }],
  ['405 method_not_allowed', `${room}/tail`, post('')],
  ['405 method_not_allowed', `${room}/snapshot`, post('x', BATON)],
  ['405 method_not_allowed', `${room}/live`, post('')],
  ['405 method_not_allowed', '/', post('')],
  // Kinds and names.
  ['404 not_found', '/api/rooms/unknown/a', post('x', BATON)],
  ['404 not_found', '/api/rooms/__proto__/a/view'],
  ['404 not_found', '/api/rooms/constructor/a/live', upgrade({})],
  ['404 not_found', '/api/rooms/Dots/a', post('x', BATON)],
  ['404 not_found', '/api/rooms/dots%2Fa/b', post('x', BATON)],
  ['400 bad_name', '/api/rooms/dots/__proto__', post('x', BATON)],
  ['400 bad_name', '/api/rooms/dots/constructor/view'],
  ['400 bad_name', '/api/rooms/dots/toString/live', upgrade({})],
  ['400 bad_name', `/api/rooms/dots/${'a'.repeat(65)}`, post('x', BATON)],
  ['400 bad_name', `/api/rooms/dots/${'a'.repeat(10_000)}/view`],
  ...['a:b', 'a..b', 'a%2Fb', 'a*', 'a%0A', '%7Ba%7D', 'a%00', '%C3%A9', 'a.b', '%20', 'a%2e'].map(
    (name): Row => ['400 bad_name', `/api/rooms/dots/${name}/view`],
  ),
  // Bodies of a room.
  ['415 media_type', room, post('x')],
  ['415 media_type', room, post('x', JSON_TYPE)],
  ['415 media_type', room, post('x', { 'content-type': 'application/vnd.batons' })],
  ['415 media_type', room, post('x', { ...BATON, 'content-encoding': 'gzip' })],
  ['415 media_type', room, post('x', { ...BATON, 'content-encoding': 'br, gzip' })],
  ['413 too_large', room, post(large, BATON)],
  // Bodies of a session.
  ['415 media_type', '/api/session', post('{}', { 'content-type': 'text/plain' })],
  ['415 media_type', '/api/session', post('{}', { ...JSON_TYPE, 'content-encoding': 'deflate' })],
  ['413 too_large', '/api/session', post(' '.repeat(MAX_JSON_BYTES + 1), JSON_TYPE)],
  ['413 too_large', '/api/session', post(deep, JSON_TYPE)],
  ...[
    '',
    'null',
    '[]',
    '[1,"x"]',
    '"x"',
    '1',
    '{',
    '{"token":1}',
    '{"token":null}',
    '{"token":["a"]}',
    '{"user":"g_1"}',
    '{"token":"a","user":"g_1"}',
    '{"token":"a","token":"b"}',
    '{"__proto__":{"admin":true}}',
    '{"constructor":{}}',
    '{"token":1e400}',
    '{"expires_ms":NaN}',
    '\ufeff{}',
    '{"a":{"a":{"a":{"a":{"a":{}}}}}}',
    '['.repeat(128),
  ].map((body): Row => ['400 malformed', '/api/session', post(body, JSON_TYPE)]),
  ['400 malformed', '/api/session', post(new Uint8Array([0x22, 0xff, 0x22]), JSON_TYPE)],
  ['401 unauthorized', '/api/session', post('{"token":""}', JSON_TYPE)],
  ['401 unauthorized', '/api/session', post('{"token":"a.b.c"}', JSON_TYPE)],
  // Tokens.
  ...['', 'Bearer', 'Bearer ', 'Bearer a.b.c', 'Basic YTpi', 'bearer x', 'Bearer a b', 'a.b.c'].map(
    (authorization): Row => ['401 unauthorized', room, post('x', { ...BATON, authorization })],
  ),
  ['401 unauthorized', `${room}/view`, { headers: { authorization: 'Bearer a.b.c' } }],
  ['401 unauthorized', `${room}/live`, upgrade({ 'sec-websocket-protocol': 'baton.v1, a.b.c' })],
  ['401 unauthorized', `${room}?token=a.b.c`, post('x', BATON)],
  ['401 unauthorized', `${room}/live?access_token=a.b.c`, upgrade({})],
  ['400 malformed', `${room}/view?x=1`],
  ['400 malformed', `${block('1-64')}?cache=bust`],
  ['400 malformed', `${room}/tail?cache=bust`],
  // Blocks.
  ...['1-63', '1-65', '2-65', '0-64', '0-63', '64-127', '65-64', '1-128', '-1-64', '1-', 'x-y', '01-64', '1e0-64'].map(
    (range): Row => ['404 not_found', block(range)],
  ),
  ['404 not_found', block('9007199254740929-9007199254740992')],
  ['404 not_found', block('1-64', HASH.toUpperCase())],
  ['404 not_found', block('1-64', HASH.slice(1))],
  ['404 not_found', block('1-64', `${HASH.slice(1)}g`)],
  // Sockets.
  ['426 upgrade_required', `${room}/live`],
  ['426 upgrade_required', `${room}/live`, { method: 'HEAD', headers: UPGRADE }],
  ['426 upgrade_required', `${room}/live`, upgrade({ upgrade: 'h2c' })],
  ['426 upgrade_required', `${room}/live`, upgrade({ 'sec-websocket-protocol': 'baton.v2' })],
  ['426 upgrade_required', `${room}/live`, upgrade({ 'sec-websocket-protocol': 'a.b.c, baton.v1' })],
  ['426 upgrade_required', `${room}/live`, upgrade({ 'sec-websocket-protocol': 'baton.v1, a.b.c, d' })],
  ...[
    'https://evil.test',
    'null',
    'https://baton.test.evil.test',
    'https://evil-baton.test',
    'http://baton.test',
    'https://baton.test:444',
    '',
  ].map((origin): Row => ['403 origin', `${room}/live`, upgrade({ origin })]),
]

describe('what is refused', () => {
  test.each(refusals)('%s %s', async (expected, path, init) => {
    const { fetch } = await deploy()
    const response = await fetch(path, init)
    // A HEAD has no body to look at.
    if (init?.method === 'HEAD') expect(`${response.status}`).toBe(expected.slice(0, 3))
    else expect(await code(response)).toBe(expected)
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
    expect(response.headers.get('content-security-policy')).toContain("default-src 'self'")
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    if (response.status === 405) expect(response.headers.get('allow')).toMatch(/GET|POST/)
    if (response.status === 426) expect(response.headers.get('upgrade')).toBe('websocket')
  })

  test('a body without a length is counted while it comes, and no more of it is read', async () => {
    const { fetch } = await deploy()
    let pulled = 0
    const body = new ReadableStream({
      pull(controller) {
        pulled += 1
        controller.enqueue(new Uint8Array(16 * 1024))
      },
    })
    const init = { method: 'POST', body, headers: BATON, duplex: 'half' }
    expect(await code(await fetch(room, init as RequestInit))).toBe('413 too_large')
    expect(pulled).toBeLessThan(8)
  })

  test('a body at the limit is taken', async () => {
    const { fetch } = await deploy({ play: (batch) => whoAskedThen404(batch.length) })
    expect((await fetch(room, post(large.subarray(1), BATON))).status).toBe(404)
  })

  test('all bad tokens are refused alike', async () => {
    const { fetch, token } = await deploy()
    const other = await deploy({ variables: { BATON_AUDIENCE: 'other' } })
    const bodies = new Set<string>()
    for (const bad of ['x', `${token}x`, other.token, 'eyJhbGciOiJub25lIn0.e30.']) {
      const response = await fetch(room, post('x', { ...BATON, authorization: `Bearer ${bad}` }))
      bodies.add(await response.text())
      expect(response.headers.get('www-authenticate')).toBe('Bearer')
    }
    expect(bodies.size).toBe(1)
  })

  test('an origin on the list may open a socket', async () => {
    const { fetch } = await deploy({ variables: { BATON_ORIGINS: 'https://www.reddit.com, https://a.test' } })
    expect((await fetch(`${room}/live`, upgrade({ origin: 'https://a.test' }))).status).toBe(200)
    expect(await code(await fetch(`${room}/live`, upgrade({ origin: 'https://b.test' })))).toBe('403 origin')
  })

  test('who may not watch gets the answer of the handler, not a socket', async () => {
    const { fetch } = await deploy({ play: (batch) => whoAskedThen404(batch.length) })
    expect(await code(await fetch(`${room}/live`, upgrade({})))).toBe('404 not_found')
  })
})

describe('identity', () => {
  test('comes from the token alone: headers of a platform are not looked at', async () => {
    const { fetch, user, bearer } = await deploy()
    const forged = {
      'devvit-user': 't2_admin',
      'devvit-user-name': 'admin',
      'devvit-subreddit': 't5_x',
      'x-user-id': 'admin',
      'x-forwarded-user': 'admin',
      cookie: 'session=admin',
    }
    expect(await (await fetch(room, post('x', { ...BATON, ...forged }))).text()).toBe('dots/a nobody x')
    expect(await (await fetch(room, post('x', { ...BATON, ...forged, ...bearer }))).text()).toBe(`dots/a ${user} x`)
  })
})

describe('faults', () => {
  test('a request that traps twice is 500 restarted, and the next is answered', async () => {
    let count = 0
    const { fetch } = await deploy({
      play: (...call) => (count++ < 2 ? trap() : whoAsked(...call)),
    })
    const broken = await fetch(room, post('x', BATON))
    expect(await code(broken.clone())).toBe('500 restarted')
    expect(broken.headers.get('retry-after')).toBe('1')
    expect((await fetch(room, post('x', BATON))).status).toBe(200)
  })

  test('a fault of ours says nothing of itself', async () => {
    const errors = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { fetch, token } = await deploy({
      ports: {
        ask: () => Promise.reject(new Error('secret at /src/file.ts:1')),
      },
    })
    const response = await fetch(`${room}/view`, { headers: { authorization: `Bearer ${token}` } })
    const text = await response.clone().text()
    expect(await code(response)).toBe('500 internal')
    expect(text).not.toMatch(/secret|stack|at |file/)
    for (const [line] of errors.mock.calls) {
      expect(JSON.parse(String(line))).toMatchObject({ level: 'error' })
      expect(String(line)).not.toContain(token)
    }
    errors.mockRestore()
  })
})

describe('logs', () => {
  test('are a JSON line per request, with its id and without tokens or queries', async () => {
    const lines: string[] = []
    const spies = (['info', 'warn', 'error'] as const).map((level) =>
      vi.spyOn(console, level).mockImplementation((line) => void lines.push(String(line))),
    )
    const { fetch, token, bearer } = await deploy({ variables: { BATON_LOG: 'all' } })
    const one = await fetch(room, post('x', { ...BATON, ...bearer }))
    const two = await fetch(`${room}?token=${token}`, post('x', BATON))
    for (const spy of spies) spy.mockRestore()
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'info', event: 'request', id: one.headers.get('x-request-id'), method: 'POST', path: room, status: 200 },
      { level: 'warn', id: two.headers.get('x-request-id'), path: room, status: 401, code: 'unauthorized' },
    ])
    expect(lines.join()).not.toContain(token)
  })
})

describe('rates', () => {
  test('of one user are limited, those of others are not', async () => {
    const { fetch, bearer, clock, sessions } = await deploy({ variables: { BATON_RATE_USER: '2/5' } })
    const ask = (headers: HeadersInit) => fetch(room, post('x', { ...BATON, ...headers }))
    for (let count = 0; count < 5; count++) expect((await ask(bearer)).status).toBe(200)
    const limited = await ask(bearer)
    expect(limited.headers.get('retry-after')).toBe('1')
    expect(await code(limited)).toBe('429 rate_limited')
    const { token } = await sessions.guest()
    expect((await ask({ authorization: `Bearer ${token}` })).status).toBe(200)
    clock.now_ms += 500
    expect((await ask(bearer)).status).toBe(200)
    expect((await ask(bearer)).status).toBe(429)
    clock.now_ms -= 1_000_000
    expect((await ask(bearer)).status).toBe(429)
    clock.now_ms += 500
    expect((await ask(bearer)).status).toBe(200)
  })

  test('of one address are limited, whatever its tokens', async () => {
    const { fetch, sessions } = await deploy({ variables: { BATON_RATE_ADDRESS: '0.1/3' } })
    const ask = async (address: string) => {
      const { token } = await sessions.guest()
      const headers = { ...BATON, authorization: `Bearer ${token}`, 'x-test-address': address }
      return (await fetch(room, post('x', headers))).status
    }
    expect([await ask('1.1.1.1'), await ask('1.1.1.1'), await ask('1.1.1.1')]).toEqual([200, 200, 200])
    const limited = await fetch('/api/health', { headers: { 'x-test-address': '1.1.1.1' } })
    expect(limited.status).toBe(429)
    expect(limited.headers.get('retry-after')).toBe('10')
    expect(await ask('2.2.2.2')).toBe(200)
  })

  test('of new guests are limited more, and renewing is none', async () => {
    const { fetch, token } = await deploy({ variables: { BATON_RATE_GUEST: '1/2' } })
    const begin = (body: string) => fetch('/api/session', post(body, JSON_TYPE)).then((response) => response.status)
    expect([await begin('{}'), await begin('{}'), await begin('{}')]).toEqual([200, 200, 429])
    expect(await begin(JSON.stringify({ token }))).toBe(200)
  })
})

describe('strict JSON', () => {
  test.each([['{"a":[{"b":1},"c:d",{"b":2}],"\\"":":"}'], ['[]'], ['{}'], ['"a:b"'], ['{"a":{"a":{"a":{}}}}']])(
    '%s is taken',
    (text) => expect(parseStrictly(text)).toEqual(JSON.parse(text)),
  )

  test.each([['{"a":1,"a":1}'], ['{"a":1,"\\u0061":2}'], ['[{"a":1,"a":2}]'], ['[[[[[]]]]]'], ['{"a":1} x']])(
    '%s is refused',
    (text) => expect(() => parseStrictly(text)).toThrow(SyntaxError),
  )
})
