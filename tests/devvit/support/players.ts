/** Users of a local Devvit as players without a page. Must not know what is tested. */

import type { LocalDevvit } from '../../../js-host/devvit/local/local.ts'
import type { Bot } from '../../e2e/support/bot'

/** The post that is there from the beginning. */
export const POST = 't3_local1'
/** Its room. */
export const ROOM = `contagion/${POST}`

/** How the pages of a user in a post ask, whatever origin is named. */
export function asUser(devvit: LocalDevvit, user: string | undefined, post = POST): Bot['send'] {
  return async (url, init) => {
    const { status, headers, body } = await devvit.ask(user, post, new URL(url).pathname, {
      method: init.method ?? 'GET',
      headers: Object.fromEntries(new Headers(init.headers)),
      ...(init.body ? { body: init.body as string | Uint8Array } : {}),
    })
    const named = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, String(value)]],
    )
    const empty = status === 204 || status === 304
    return new Response(empty ? null : new Uint8Array(body), { status, headers: named })
  }
}
