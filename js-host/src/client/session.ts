/**
 * Who plays: a session from the host, kept in localStorage and renewed every day, also after its end: a guest has no other
 * way back to an account. A host that knows by itself who asks gives sessions without an end: those are never kept, and asked
 * for at every load. Decides when to ask for one; must not know what a session may do.
 */

/** A signed session. */
export interface Session {
  readonly token: string
  /** The user's id, the same after every renewal. */
  readonly user: string
  /** A readable name. */
  readonly name: string
  /** When the token ends, in milliseconds since 1970; 0 if it is not to be kept, or was refused. */
  readonly expires_ms: number
}

/** The host did not give a session: try again later. */
export class SessionError extends Error {
  override readonly name = 'SessionError'
}

/** The host takes no guests, and does not know who asks: there is nothing to do but watch. */
export class NoGuests extends Error {
  override readonly name = 'NoGuests'
}

const KEY = 'baton.session'
/** A token that ends sooner than this is renewed: it is a day old. */
const RENEW_MS = 29 * 24 * 60 * 60 * 1000
const TIMEOUT_MS = 12_000

/**
 * The session of this browser: the kept one, else a new guest. Tabs that open together wait for each other, so that they are
 * one guest. One that is over is renewed first, by a host that may see its end otherwise, since clocks are wrong; and without
 * network it goes on: it is the same user. @throws SessionError, NoGuests
 */
export async function openSession(): Promise<Session> {
  const session = await exclusively(async () => {
    const kept = read()
    if (kept && kept.expires_ms > Date.now()) return kept
    // Who was refused and asks again at once would do so for ever.
    const unheard = (error: unknown) => {
      if (kept && kept.expires_ms > 0) return kept
      throw error
    }
    const renewed = kept ? await ask(kept.token).catch(unheard) : null
    const opened = renewed ?? (await ask())
    if (!opened) throw new NoGuests('the host gives no session to a guest')
    if (opened.expires_ms > 0) write(opened)
    return opened
  })
  const left_ms = session.expires_ms - Date.now()
  // Nobody waits for it: it is the same user.
  if (left_ms > 0 && left_ms < RENEW_MS) void renew(session).catch(() => undefined)
  return session
}

/** The host refused a session: it is over, unless another tab has a newer one already. */
export function forgetSession(refused: Session): void {
  if (read()?.token === refused.token) write({ ...refused, expires_ms: 0 })
}

/** For the next load. */
function renew({ token }: Session): Promise<void> {
  return exclusively(async () => {
    if (read()?.token !== token) return
    const renewed = await ask(token)
    if (renewed && read()?.token === token) write(renewed)
  })
}

/** Without locks, or where they are refused as storage is, nobody waits. */
async function exclusively<T>(work: () => Promise<T>): Promise<T> {
  if (!('locks' in navigator)) return work()
  let begun = false
  const begin = () => {
    begun = true
    return work()
  }
  try {
    return await navigator.locks.request('baton.session', begin)
  } catch (error) {
    if (begun) throw error
    return work()
  }
}

/** A new session, or the same user's with a longer life; null if the host refuses the token. */
async function ask(token?: string): Promise<Session | null> {
  const response = await fetch('api/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(token === undefined ? {} : { token }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(() => null)
  if (response?.status === 401) return null
  const session = response?.ok ? checked(await response.json().catch(() => null)) : null
  if (!session) throw new SessionError('the host does not answer')
  return session
}

function read(): Session | null {
  try {
    return checked(JSON.parse(localStorage.getItem(KEY) ?? 'null'))
  } catch {
    return null
  }
}

function write(session: Session): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(session))
  } catch {
    // Storage is blocked: this page is a guest of its own until it is closed.
  }
}

function checked(value: unknown): Session | null {
  if (typeof value !== 'object' || value === null) return null
  const { token, user, name, expires_ms } = value as Record<string, unknown>
  const texts = typeof token === 'string' && typeof user === 'string' && typeof name === 'string'
  return texts && typeof expires_ms === 'number' ? { token, user, name, expires_ms } : null
}
