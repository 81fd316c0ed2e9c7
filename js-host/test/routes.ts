/** A router over a fake handler, for the tests of routes. */

import { Driver } from '../src/driver'
import { createRouter, type Ports } from '../src/router'
import { Sessions } from '../src/session'
import { settingsOf } from '../src/settings'
import { performer } from '../src/store'
import { MemoryStore } from '../src/stores/memory'
import { FakeWasm, ok, type Play, readNothing, textOf } from './fake'

export const KEYS = `test:${'A'.repeat(43)}`

/** Says who asked and what. */
export const whoAsked: Play = function* (batch, room, kind) {
  yield readNothing
  return batch.map(({ who, call }) => {
    if (call.tag === 'watch') return { status: 200, content: 'empty', body: new Uint8Array() }
    const contents = { play: 'reply', block: 'block', tail: 'reply', snapshot: 'reply' } as const
    const content = call.tag in contents ? contents[call.tag as keyof typeof contents] : 'json'
    return { ...ok(`${kind}/${room} ${who?.user ?? 'nobody'} ${textOf({ who, call })}`), content }
  })
}

/** What a test may change. */
export interface Options {
  play?: Play
  variables?: Record<string, string>
  ports?: Partial<Ports>
}

/** A deployment of its own. */
export async function deploy({ play = whoAsked, variables = {}, ports = {} }: Options = {}) {
  const clock = { now_ms: 1_700_000_000_000 }
  const now = () => clock.now_ms
  const settings = settingsOf({ BATON_KEYS: KEYS, ...variables })
  const sessions = await Sessions.open(settings.keys, settings.audience, now)
  const wasm = new FakeWasm(play)
  const driver = new Driver({ faces: wasm.faces, store: performer(new MemoryStore(now)), store_timeout_ms: 1000 })
  const app = createRouter({
    settings,
    callers: sessions,
    kinds: new Set(wasm.faces.current().kinds()),
    personal: new Set(wasm.faces.current().personalKinds()),
    ask: (kind, name, arrival) => driver.ask(kind, name, arrival),
    live: async (kind, name) => new Response(`live ${kind}/${name}`),
    stream: null,
    address: (request) => request.headers.get('x-test-address'),
    health: () => ({ version: 'test' }),
    page: async () => new Response('the page', { headers: { 'content-type': 'text/html' } }),
    holds: false,
    now,
    ...ports,
  })
  const fetch = async (path: string, init?: RequestInit) => app.fetch(new Request(`https://baton.test${path}`, init))
  const { token, user } = await sessions.guest()
  return { fetch, clock, sessions, token, user, driver, bearer: { authorization: `Bearer ${token}` } }
}

/** Status and code of a refusal, whose form is checked. */
export async function code(response: Response): Promise<string> {
  const text = await response.text()
  const body: unknown = JSON.parse(text)
  const fields = typeof body === 'object' && body !== null ? body : {}
  const { code, message } = fields as Record<string, unknown>
  if (typeof code !== 'string' || typeof message !== 'string') throw new Error(`not a refusal: ${text}`)
  if (Object.keys(fields).length !== 2) throw new Error(`more than a refusal: ${text}`)
  return `${response.status} ${code}`
}
