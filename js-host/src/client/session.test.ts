/** Who plays, by what the host answers and the browser keeps. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { forgetSession, NoGuests, openSession, type Session, SessionError } from './session'

const NOW_MS = 1_800_000_000_000
const DAY_MS = 24 * 60 * 60 * 1000
const KEY = 'baton.session'

const kept = new Map<string, string>()
/** The bodies of the requests. */
let asked: unknown[] = []

beforeEach(() => {
  kept.clear()
  asked = []
  vi.useFakeTimers({ now: NOW_MS, toFake: ['Date'] })
  vi.stubGlobal('navigator', {})
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  })
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

/** A host that answers requests in turn. */
function host(...answers: (Session | number)[]): void {
  vi.stubGlobal('fetch', async (_url: string, { body }: { body: string }) => {
    asked.push(JSON.parse(body))
    const answer = answers[asked.length - 1] ?? 500
    return typeof answer === 'number' ? new Response('{}', { status: answer }) : Response.json(answer)
  })
}

function session(user: string, in_ms: number): Session {
  return { token: `token of ${user}`, user, name: user, expires_ms: NOW_MS + in_ms }
}

test('a host that gives no session to a guest: there is nothing to do but watch', async () => {
  host(401)
  await expect(openSession()).rejects.toBeInstanceOf(NoGuests)
  expect(asked).toEqual([{}])
})

test('a host that does not renew what is over makes a guest, or says that it takes none', async () => {
  kept.set(KEY, JSON.stringify(session('old', -DAY_MS)))
  host(401, session('new', 30 * DAY_MS), 401, 401)
  expect((await openSession()).user).toBe('new')
  expect(asked).toEqual([{ token: 'token of old' }, {}])
  kept.set(KEY, JSON.stringify(session('old', -DAY_MS)))
  await expect(openSession()).rejects.toBeInstanceOf(NoGuests)
})

test.each([
  ['was away', -60],
  ['has a clock that is months ahead', -200],
])('who %s is the same user', async (_, days) => {
  kept.set(KEY, JSON.stringify(session('old', days * DAY_MS)))
  const renewed = { ...session('old', (days + 30) * DAY_MS), token: 'renewed' }
  host(renewed)
  expect(await openSession()).toEqual(renewed)
  expect(asked).toEqual([{ token: 'token of old' }])
  expect(JSON.parse(kept.get(KEY) ?? '')).toEqual(renewed)
})

test('a session that is a day old is renewed for the next load, and nobody waits for it', async () => {
  const old = session('old', 29 * DAY_MS + 1)
  kept.set(KEY, JSON.stringify(old))
  const answer = Promise.withResolvers<Response>()
  vi.stubGlobal('fetch', (_url: string, { body }: { body: string }) => {
    asked.push(JSON.parse(body))
    return answer.promise
  })
  expect(await openSession()).toEqual(old)
  expect(asked).toEqual([])
  vi.setSystemTime(NOW_MS + 2)
  expect(await openSession()).toEqual(old)
  expect(asked).toEqual([{ token: 'token of old' }])
  const renewed = { ...session('old', 30 * DAY_MS), token: 'renewed' }
  answer.resolve(Response.json(renewed))
  await vi.waitFor(async () => expect(JSON.parse(kept.get(KEY) ?? '')).toEqual(renewed))
})

test('who was refused is the same user once that is renewed, and does not go on before', async () => {
  const refused = session('old', 10 * DAY_MS)
  kept.set(KEY, JSON.stringify(refused))
  forgetSession({ ...refused, token: 'another' })
  expect(await openSession()).toEqual(refused)
  forgetSession(refused)
  host(503, 503, { ...session('old', 30 * DAY_MS), token: 'renewed' })
  asked = []
  await expect(openSession()).rejects.toBeInstanceOf(SessionError)
  await expect(openSession()).rejects.toBeInstanceOf(SessionError)
  expect(await openSession()).toMatchObject({ user: 'old', token: 'renewed' })
  expect(asked).toEqual(Array(3).fill({ token: 'token of old' }))
})

test.each([[500], [503], [429]])('%d says nothing of guests: it is tried again later', async (status) => {
  host(status)
  await expect(openSession()).rejects.toBeInstanceOf(SessionError)
})

test('a session without an end is asked for at every load, and leaves nothing behind', async () => {
  host(session('t2_one', -NOW_MS), session('t2_two', -NOW_MS), 401)
  expect((await openSession()).user).toBe('t2_one')
  expect(kept.size).toBe(0)
  expect((await openSession()).user).toBe('t2_two')
  await expect(openSession()).rejects.toBeInstanceOf(NoGuests)
  expect(asked).toEqual([{}, {}, {}])
})

test('a session that is over is not believed where the platform says who asks', async () => {
  kept.set(KEY, JSON.stringify(session('t2_other', -1)))
  host(session('t2_me', -NOW_MS))
  expect((await openSession()).user).toBe('t2_me')
})

test('a session that cannot be renewed now goes on, also after its end', async () => {
  const old = session('old', DAY_MS)
  kept.set(KEY, JSON.stringify(old))
  host()
  expect(await openSession()).toEqual(old)
  vi.setSystemTime(NOW_MS + DAY_MS)
  expect(await openSession()).toEqual(old)
})

test('a guest is kept', async () => {
  host(session('guest', 30 * DAY_MS))
  expect(await openSession()).toEqual(await openSession())
  expect(asked).toEqual([{}])
})

test('where storage and locks are refused, there is a session all the same, asked for once', async () => {
  const refuse = () => {
    throw new DOMException('denied', 'SecurityError')
  }
  vi.stubGlobal('localStorage', { getItem: refuse, setItem: refuse })
  vi.stubGlobal('navigator', { locks: { request: async () => refuse() } })
  host(session('guest', 30 * DAY_MS))
  expect((await openSession()).user).toBe('guest')
  expect(asked).toEqual([{}])
})

test('what fails under a lock is not tried a second time without it', async () => {
  vi.stubGlobal('navigator', { locks: { request: async (_: string, work: () => unknown) => work() } })
  host(401)
  await expect(openSession()).rejects.toBeInstanceOf(NoGuests)
  expect(asked).toEqual([{}])
})
