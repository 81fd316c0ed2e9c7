/** Guests and their tokens: what is accepted, what is refused, and how keys are changed. */

import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { fromBase64Url, toBase64Url } from '../src/base64'
import { KeyError, LATE_MS, Sessions, TOKEN_MS } from '../src/session'

const key = (fill: number) => toBase64Url(new Uint8Array(32).fill(fill))
const OLD = `old:${key(1)}`
const NEW = `new:${key(2)}`
const refused = { name: 'Refused', code: 'unauthorized' }

function open(keys = NEW, audience = 'baton', now = () => 1_000_000): Promise<Sessions> {
  return Sessions.open(keys, audience, now)
}

const text = (value: string) => toBase64Url(new TextEncoder().encode(value))

/** A token signed with a key of ours over whatever is given. */
async function forge(id: string, fill: number, payload: string, context = 'baton.session.v1.'): Promise<string> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const secret = await crypto.subtle.importKey('raw', new Uint8Array(32).fill(fill), algorithm, false, ['sign'])
  const signed = `${id}.${payload}`
  const mac = await crypto.subtle.sign('HMAC', secret, new TextEncoder().encode(context + signed))
  return `${signed}.${toBase64Url(new Uint8Array(mac))}`
}

const claims = { user: 'g_1', name: 'a', audience: 'baton', expires_ms: 2_000_000 }

describe('a guest', () => {
  test('gets a token that says who they are', async () => {
    const sessions = await open()
    const { token, user, name, expires_ms } = await sessions.guest()
    expect(user).toMatch(/^g_[A-Za-z0-9_-]{22}$/)
    expect(name).toMatch(/^[a-z]+-[a-z]+-\d{3}$/)
    expect(expires_ms).toBe(1_000_000 + TOKEN_MS)
    expect(await sessions.verify(token)).toEqual({ user, name })
    // It must fit into Sec-WebSocket-Protocol.
    expect(token).toMatch(/^[\w.-]+$/)
  })

  test('is never the same twice', async () => {
    const sessions = await open()
    const users = await Promise.all(Array.from({ length: 100 }, async () => (await sessions.guest()).user))
    expect(new Set(users).size).toBe(100)
  })

  test('renews as the same user', async () => {
    let now = 1_000_000
    const sessions = await open(NEW, 'baton', () => now)
    const first = await sessions.guest()
    now += 1000
    const second = await sessions.renew(first.token)
    expect(second).toMatchObject({ user: first.user, name: first.name, expires_ms: first.expires_ms + 1000 })
  })
})

describe('keys', () => {
  test('a token of an older key counts while that key is listed, and is renewed under the newest', async () => {
    const { token } = await (await open(OLD)).guest()
    const both = await open(`${NEW},${OLD}`)
    expect(await both.verify(token)).toBeTruthy()
    expect((await both.renew(token)).token).toMatch(/^new\./)
    await expect((await open(NEW)).verify(token)).rejects.toMatchObject(refused)
  })

  test('a key under another id is another key', async () => {
    const { token } = await (await open(OLD)).guest()
    const swapped = await open(`old:${key(2)}`)
    await expect(swapped.verify(token)).rejects.toMatchObject(refused)
    await expect((await open(`${NEW},${OLD}`)).verify(token.replace(/^old/, 'new'))).rejects.toMatchObject(refused)
  })

  test.each([
    ['', 'nothing'],
    ['plain', 'no id'],
    [`a:${text('short')}`, 'a short key'],
    [`a:${key(1)},a:${key(2)}`, 'one id twice'],
    [`a b:${key(1)}`, 'an id with a space'],
    [`a:${key(1)}=`, 'padding'],
  ])('%j is refused: %s', async (keys) => {
    const error = await open(keys).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(KeyError)
    expect(String(error)).not.toContain(key(1))
  })
})

describe('a token is refused', () => {
  test('one millisecond after it ended', async () => {
    let now = 1_000_000
    const sessions = await open(NEW, 'baton', () => now)
    const { token, expires_ms } = await sessions.guest()
    now = expires_ms - 1
    await sessions.verify(token)
    now = expires_ms
    await expect(sessions.verify(token)).rejects.toMatchObject(refused)
  })

  test('to be renewed, a year after it ended', async () => {
    let now = 1_000_000
    const sessions = await open(NEW, 'baton', () => now)
    const { token, user, expires_ms } = await sessions.guest()
    now = expires_ms + LATE_MS - 1
    await expect(sessions.verify(token)).rejects.toMatchObject(refused)
    const renewed = await sessions.renew(token)
    expect([renewed.user, (await sessions.verify(renewed.token)).user]).toEqual([user, user])
    now += 1
    await expect(sessions.renew(token)).rejects.toMatchObject(refused)
  })

  test('of another audience', async () => {
    const { token } = await (await open(NEW, 'other')).guest()
    await expect((await open()).verify(token)).rejects.toMatchObject(refused)
  })

  test('with any bit changed', async () => {
    const sessions = await open()
    const { token } = await sessions.guest()
    for (let at = 0; at < token.length; at++) {
      const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
      await expect(sessions.verify(changed)).rejects.toMatchObject(refused)
    }
  })

  test.each([
    ['nothing', ''],
    ['dots', '..'],
    ['a part too many', 'new.a.b.c'],
    ['a JWT with alg none', `${text('{"alg":"none","typ":"JWT"}')}.${text(JSON.stringify(claims))}.`],
    ['a key id from Object.prototype', `__proto__.${text(JSON.stringify(claims))}.AAAA`],
    ['an empty mac', `new.${text(JSON.stringify(claims))}.`],
    ['a mac that is not base64', `new.${text(JSON.stringify(claims))}.!!!!`],
    ['very long', `new.${'A'.repeat(100_000)}.AAAA`],
    ['not ASCII', 'new.\u{1f600}.AAAA'],
  ])('%s', async (_, token) => {
    await expect((await open()).verify(token)).rejects.toMatchObject(refused)
  })

  test('signed for another use of the key', async () => {
    const sessions = await open()
    const payload = text(JSON.stringify(claims))
    expect(await sessions.verify(await forge('new', 2, payload))).toEqual({ user: 'g_1', name: 'a' })
    for (const context of ['', 'baton.session.v2.', 'baton.other.v1.']) {
      await expect(sessions.verify(await forge('new', 2, payload, context))).rejects.toMatchObject(refused)
    }
  })

  test('the MAC of a JWT with the same key does not count, whatever its header says', async () => {
    const header = text('{"alg":"HS256","kid":"new"}')
    const jwt = await forge(header, 2, text(JSON.stringify(claims)), '')
    await expect((await open()).verify(jwt)).rejects.toMatchObject(refused)
  })

  test.each([
    ['claims that nobody defined', { ...claims, admin: true }],
    ['no user', { ...claims, user: '' }],
    ['a user that is too long', { ...claims, user: 'u'.repeat(65) }],
    ['a name that is too long in bytes', { ...claims, name: 'é'.repeat(33) }],
    ['an end that is no integer', { ...claims, expires_ms: 1e99 }],
    ['a list', [claims]],
    ['null', null],
  ])('genuine, but with %s', async (_, payload) => {
    const token = await forge('new', 2, text(JSON.stringify(payload)))
    await expect((await open()).verify(token)).rejects.toMatchObject(refused)
  })
})

test('base64url has one form per value', () => {
  expect(fromBase64Url('AA')).toEqual(new Uint8Array([0]))
  for (const other of ['AB', 'A', 'AA==', 'A+', 'A/', 'AAAAA', ' AA']) expect(fromBase64Url(other)).toBeNull()
})

test('no secret is compared in our code: that is WebCrypto’s business', () => {
  const root = new URL('../src/', import.meta.url)
  for (const file of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    // The page has no secrets: the token in it is its user's own.
    if (!file.endsWith('.ts') || file.startsWith('client')) continue
    const source = readFileSync(new URL(file, root), 'utf8')
    expect(source, file).not.toMatch(
      /\b(mac|signature|secret|token|keys?)\b(?!\s*(===|!==)\s*(undefined|null))\s*[!=]==?/,
    )
    expect(source, file).not.toMatch(/[!=]==?\s*(mac|signature|secret|token)\b/)
  }
})
