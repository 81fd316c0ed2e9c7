/**
 * Who plays: a session from the host, kept in localStorage and renewed long before it ends. A host that knows by itself
 * who asks gives sessions that are over at once: those are never kept, and asked for at every load. Decides when to ask
 * for one; must not know what a session may do.
 */

/** A signed session. */
export interface Session {
  readonly token: string
  /** The user's id, the same after every renewal. */
  readonly user: string
  /** A readable name. */
  readonly name: string
  /** When the token ends, in milliseconds since 1970. */
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
/** A token that ends sooner than this is renewed. */
const RENEW_MS = 15 * 24 * 60 * 60 * 1000
const TIMEOUT_MS = 12_000

/**
 * The session of this browser: the kept one, renewed if it is old; else a new guest. Tabs that open
 * together wait for each other, so that they are one guest. One that cannot be renewed now, as without network, goes on until
 * it ends. @throws SessionError, NoGuests
 */
export function openSession(): Promise<Session> {
  return exclusively(async () => {
    const kept = read()
    if (kept && kept.expires_ms - Date.now() > RENEW_MS) return kept
    const lives = kept !== null && kept.expires_ms > Date.now()
    const renewed = lives ? await ask(kept.token).catch(() => kept) : null
    const session = renewed ?? (await ask())
    if (!session) throw new NoGuests('the host gives no session to a guest')
    if (session.expires_ms > Date.now()) write(session)
    return session
  })
}

/** Drops a session that the host refused, unless another tab has a newer one already. */
export function forgetSession(refused: Session): void {
  try {
    if (read()?.token === refused.token) localStorage.removeItem(KEY)
  } catch {
    // Storage is blocked: nothing was kept.
  }
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
