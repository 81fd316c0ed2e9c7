/** Who plays, by what the host answers and the browser keeps. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { NoGuests, openSession, type Session, SessionError } from './session'

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

test('a host that refuses the kept session makes a guest, or says that it takes none', async () => {
  kept.set(KEY, JSON.stringify(session('old', DAY_MS)))
  host(401, session('new', 30 * DAY_MS), 401, 401)
  expect((await openSession()).user).toBe('new')
  expect(asked).toEqual([{ token: 'token of old' }, {}])
  kept.set(KEY, JSON.stringify(session('old', DAY_MS)))
  await expect(openSession()).rejects.toBeInstanceOf(NoGuests)
})

test.each([[500], [503], [429]])('%d says nothing of guests: it is tried again later', async (status) => {
  host(status)
  await expect(openSession()).rejects.toBeInstanceOf(SessionError)
})

test('a session that is over at once is asked for at every load, and leaves nothing behind', async () => {
  host(session('t2_one', -NOW_MS), session('t2_two', -NOW_MS), 401)
  expect((await openSession()).user).toBe('t2_one')
  expect(kept.size).toBe(0)
  expect((await openSession()).user).toBe('t2_two')
  await expect(openSession()).rejects.toBeInstanceOf(NoGuests)
  expect(asked).toEqual([{}, {}, {}])
})

test('a session that is over is not believed, nor sent, whoever kept it', async () => {
  kept.set(KEY, JSON.stringify(session('t2_other', -1)))
  host(session('t2_me', -NOW_MS))
  expect((await openSession()).user).toBe('t2_me')
  expect(asked).toEqual([{}])
})

test('a session that cannot be renewed now goes on until it ends', async () => {
  const old = session('old', DAY_MS)
  kept.set(KEY, JSON.stringify(old))
  host(500, 500)
  expect(await openSession()).toEqual(old)
  vi.setSystemTime(NOW_MS + DAY_MS)
  await expect(openSession()).rejects.toBeInstanceOf(SessionError)
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
