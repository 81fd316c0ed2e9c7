/**
 * A local Devvit as tests ask any host: rooms by any name, each a post of its own, and sessions by token, each a user of
 * its own. Must not know what is tested.
 */

import { type LocalDevvit, startLocal } from '../../../js-host/devvit/local/local.ts'
import type { Bot } from '../../e2e/support/bot'
import { PROCESSES } from './app'
import { asUser } from './players'

export class DevvitFront {
  readonly devvit: LocalDevvit
  readonly #posts = new Map<string, Promise<string>>()
  #users = 0
  #starts = 1

  private constructor(devvit: LocalDevvit) {
    this.devvit = devvit
  }

  static async start(variables: Record<string, string>): Promise<DevvitFront> {
    const limits = { BATON_RATE_USER: '0/0' }
    const options = { instances: PROCESSES, schedule: false, log: () => {} }
    return new DevvitFront(await startLocal({ ...options, variables: { ...limits, ...variables } }))
  }

  /** Another one after each time that all processes were ended. */
  get url(): string {
    return `http://devvit-${this.#starts}`
  }

  readonly send: Bot['send'] = async (url, init) => {
    const { pathname } = new URL(url)
    const headers = new Headers(init.headers)
    // Who speaks by another token than their own says it beside that: nobody reaches the app but a user.
    const [, token] = /^Bearer (user\d+)$/.exec(headers.get('x-player') ?? headers.get('authorization') ?? '') ?? []
    if (pathname === '/api/session') return this.#session(url, init)
    const [, name] = /^\/api\/rooms\/contagion\/([^/]+)/.exec(pathname) ?? []
    if (!name) return asUser(this.devvit, token)(url, init)
    const post = await this.#postOf(name)
    return asUser(this.devvit, token, post)(url.replace(`/contagion/${name}`, `/contagion/${post}`), init)
  }

  /** Ends all processes; others take their place. */
  async endAll(): Promise<void> {
    for (let number = 0; number < PROCESSES; number += 1) await this.devvit.kill()
    this.#starts += 1
  }

  stop(): Promise<void> {
    return this.devvit.stop()
  }

  /** A token tells users apart here; the app never reads one. */
  async #session(url: string, init: RequestInit): Promise<Response> {
    this.#users += 1
    const user = `user${this.#users}`
    const answer = await asUser(this.devvit, user)(url, init)
    return Response.json({ ...((await answer.json()) as object), token: user }, { status: answer.status })
  }

  #postOf(name: string): Promise<string> {
    const post = this.#posts.get(name) ?? this.devvit.post(name)
    this.#posts.set(name, post)
    return post
  }
}
