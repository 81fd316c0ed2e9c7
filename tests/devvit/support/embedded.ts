/**
 * Somebody at Reddit with a browser of their own: the feed, the post in it, and the game over both. Decides how these are
 * opened and asked; must not know what is tested.
 */

import type { Browser, Frame, Page } from 'playwright-core'
import type { LocalDevvit } from '../../../js-host/devvit/local/local.ts'
import type { Debug } from '../../../js-host/src/client/debug'
import { PHONE, until } from '../../e2e/support/browser'
import { POST } from './players'

/** What the game told at one moment. */
export interface Told {
  status: string
  version: number
  phase: string | undefined
  me: number | null
  here: string[]
  x: number | undefined
}

export class Redditor {
  readonly page: Page
  /** What went wrong in any frame: thrown, logged as an error, or against the CSP. */
  readonly faults: string[] = []

  private constructor(page: Page) {
    this.page = page
    page.on('pageerror', (error) => this.faults.push(error.message))
    page.on('console', (message) => {
      // A room in which nobody was yet is not there, and who is logged out has no session: both are asked for.
      const known = /\/(view|session)$/.test(message.location().url)
      if (message.type() === 'error' && !known) this.faults.push(message.text())
    })
  }

  /** Opens the feed with the post in it; `user` is undefined for who is logged out. */
  static async open(browser: Browser, devvit: LocalDevvit, user: string | undefined): Promise<Redditor> {
    const context = await browser.newContext({ ...PHONE, viewport: { width: 412, height: 800 } })
    const redditor = new Redditor(await context.newPage())
    await redditor.page.goto(devvit.page(user, POST, { width: 390, height: 'tall' }))
    return redditor
  }

  /** The frame of a document of the post. */
  frame(document: string): Promise<Frame> {
    return until(`a frame of ${document}`, 30_000, async () => {
      return this.page.frames().find((frame) => URL.parse(frame.url())?.pathname === `/${document}`) ?? null
    }).catch((error: Error) => {
      const there = this.page.frames().map((frame) => frame.url())
      throw new Error(`${error.message}; there are ${there.join(', ')}; faults: ${this.faults.join(' | ')}`)
    })
  }

  /** Opens the game by a tap on the post's button, whose text is returned. */
  async play(): Promise<string> {
    const splash = await this.frame('splash.html')
    const button = splash.locator('#play:enabled')
    const text = await button.innerText()
    await button.tap()
    await this.frame('game.html')
    return text
  }

  /** Asks the game; null as long as it cannot be asked. */
  async look(): Promise<Told | null> {
    const game = await this.frame('game.html')
    const question = (baton: Debug) => ({
      status: baton.status(),
      version: baton.version(),
      phase: baton.hud()?.hud.phase,
      me: baton.hud()?.me ?? null,
      here: baton.hud()?.here.map(({ name }) => name ?? '') ?? [],
      x: baton.place()?.x,
    })
    const code = `(() => { const baton = window.baton; return baton ? (${question})(baton) : null })()`
    return (await game.evaluate(code)) as Told | null
  }

  /** Looks until it is so. */
  async sees(what: string, so: (told: Told) => boolean, within_ms = 60_000): Promise<Told> {
    let last: Told | null = null
    return until(`a game that sees ${what}`, within_ms, async () => {
      last = await this.look()
      return last && so(last) ? last : null
    }).catch((error: Error) => {
      throw new Error(`${error.message}; it saw ${JSON.stringify(last)}; faults: ${this.faults.join(' | ')}`)
    })
  }

  /** Versions with the hashes of their frames, as replayed. */
  async history(): Promise<Map<number, string>> {
    const game = await this.frame('game.html')
    return new Map((await game.evaluate('window.baton.history()')) as [number, string][])
  }

  /** How long the post took to show something, in milliseconds. */
  async firstContent(): Promise<number> {
    const splash = await this.frame('splash.html')
    return until('a first content', 10_000, () =>
      splash.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null),
    )
  }
}
