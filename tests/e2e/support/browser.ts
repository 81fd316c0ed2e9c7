/**
 * An installed Chromium, and pages of it that play. Decides how a page is opened and asked; must not
 * know what is tested. Nothing here waits for a time, only for a condition.
 */

import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import type { Debug } from '../../../js-host/src/client/debug'
import { evade } from './evade'
import { Keys } from './hands'

const OUTPUT = resolve(import.meta.dirname, '../../output')
const ROOT_USER = process.getuid?.() === 0

/** Starts it: no sandbox for root, since it refuses that; no traffic of its own. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.BATON_CHROMIUM ?? '/usr/bin/chromium',
    chromiumSandbox: !ROOT_USER,
    args: [
      ...['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
      ...['--disable-component-update', '--disable-sync'],
    ],
  })
}

/** A phone held upright. */
export const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 740 },
  hasTouch: true,
  isMobile: true,
  deviceScaleFactor: 2,
}
/** The page as Reddit embeds it. */
export const EMBED: BrowserContextOptions = { viewport: { width: 720, height: 512 } }

/** What a page told at one moment. */
export interface Seen {
  status: string
  version: number
  hash: string
  phase: string | undefined
  match_id: number | undefined
  ms_left: number
  zombies: number
  survivors: number
  me: number | null
  here: string[]
  /** The tick at which the phase ends: the same for everybody. */
  ends: number
  banner: string
}

/** Somebody with a browser of their own in a room. */
export class Player {
  readonly page: Page
  /** What went wrong in the page: thrown, logged as an error, or against the CSP. */
  readonly faults: string[] = []

  private constructor(page: Page) {
    this.page = page
    page.on('pageerror', (error) => this.faults.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') this.faults.push(message.text())
    })
  }

  /** Opens a room in a new context: other storage, so another guest. `first` runs before anything of the page does. */
  static async open(browser: Browser, url: string, room: string, options = EMBED, first?: () => void): Promise<Player> {
    // Without the worker every request can be seen and disturbed.
    const context = await browser.newContext({ serviceWorkers: 'block', ...options })
    if (first) await context.addInitScript(first)
    const player = new Player(await context.newPage())
    await player.page.goto(`${url}/?room=${room}&play`)
    return player
  }

  /** Comes to the first screen, as a browser that keeps everything. `session`: as this user, else as a new guest. */
  static async visit(browser: Browser, url: string, session?: object): Promise<Player> {
    const context = await browser.newContext({ serviceWorkers: 'allow', ...EMBED })
    if (session) {
      const kept = JSON.stringify(JSON.stringify(session))
      await context.addInitScript(
        `localStorage.getItem('baton.session') ?? localStorage.setItem('baton.session', ${kept})`,
      )
    }
    const player = new Player(await context.newPage())
    await player.page.goto(url)
    return player
  }

  /** Watches a room in a new context. `asked` hears of every request. */
  static async watch(
    browser: Browser,
    url: string,
    room: string,
    asked: (method: string, path: string) => void,
  ): Promise<Player> {
    const player = new Player(await (await browser.newContext({ serviceWorkers: 'block', ...EMBED })).newPage())
    player.page.on('request', (request) => asked(request.method(), new URL(request.url()).pathname))
    await player.page.goto(`${url}/?room=${room}&watch`)
    return player
  }

  /** Another tab of the same browser, at the same address or another. */
  async tab(url = this.page.url()): Promise<Player> {
    const player = new Player(await this.page.context().newPage())
    await player.page.goto(url)
    return player
  }

  /** Asks the page's debugging surface. Undefined as long as there is none. */
  ask<T>(question: (baton: Debug) => T): Promise<T | undefined> {
    const code = `(() => { const baton = window.baton; return baton && (${question})(baton) })()`
    return this.page.evaluate(code) as Promise<T | undefined>
  }

  async look(): Promise<Seen | undefined> {
    const seen = await this.ask((baton) => {
      // Each of the two is of its own moment: both of one tick, else the phase would end a tick later.
      let [tick, view] = [baton.tick(), baton.hud()]
      while (baton.tick() !== tick) [tick, view] = [baton.tick(), baton.hud()]
      const { phase, match_id, ms_left = 0, zombies = 0, survivors = 0 } = view?.hud ?? {}
      return {
        status: baton.status(),
        version: baton.version(),
        hash: baton.hash(),
        ...{ phase, match_id, ms_left, zombies, survivors },
        me: view?.me ?? null,
        here: view?.here.map(({ name }) => name ?? '') ?? [],
        ends: tick + ms_left / 100,
      }
    })
    if (!seen) return undefined
    const notice = this.page.locator('.notice')
    return { ...seen, banner: (await notice.isVisible()) ? await notice.innerText() : '' }
  }

  /** Looks until it is so, and returns what was seen then. */
  async sees(what: string, so: (seen: Seen) => boolean, within_ms = 30_000): Promise<Seen> {
    let last: Seen | undefined
    const found = await until(`a page that sees ${what}`, within_ms, async () => {
      last = await this.look()
      return last && so(last) ? last : null
    }).catch((error: Error) => {
      throw new Error(`${error.message}; it saw ${JSON.stringify(last)}; faults: ${this.faults.join(' | ')}`)
    })
    return found
  }

  /** Versions with the hashes of their frames, as replayed. */
  async history(): Promise<Map<number, string>> {
    return new Map((await this.ask((baton) => baton.history())) ?? [])
  }

  /** Keeps a picture in tests/output. */
  async picture(name: string): Promise<void> {
    mkdirSync(OUTPUT, { recursive: true })
    await this.page.screenshot({ path: join(OUTPUT, `${name}.png`) })
  }

  /** How many colours the canvas shows. By a picture of it: WebGL keeps nothing to be read. */
  async colours(): Promise<number> {
    const picture = await this.page.locator('#field').screenshot()
    return this.page.evaluate(async (base64) => {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))
      const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }))
      const pen = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')
      pen?.drawImage(bitmap, 0, 0)
      return new Set(new Uint32Array(pen?.getImageData(0, 0, bitmap.width, bitmap.height).data.buffer ?? [])).size
    }, picture.toString('base64'))
  }

  /**
   * Weaves out of the zombies' way, strikes what comes near, fetches medkits and uses them, until `done`.
   * Goes on through a reload of the page.
   */
  async survive(done: () => boolean): Promise<void> {
    const keys = new Keys(this.page)
    for (let step = 0; !done(); step += 1) {
      const seen = this.ask((baton) => {
        const [place, mine] = [baton.place(), baton.mine()]
        const kits = baton.items().filter(({ what }) => what === 'medkit')
        const far = ({ x, y }: { x: number; y: number }) => Math.hypot(x - (place?.x ?? 0), y - (place?.y ?? 0))
        const kit = kits.sort((one, other) => far(one) - far(other))[0]
        const carries = (mine?.medkits ?? 0) > 0
        return {
          place,
          zombies: baton.zombies(),
          goal: carries ? undefined : kit,
          ill: carries && ((mine?.infection_ms ?? 0) > 0 || (mine?.health ?? 0) < 40),
        }
      })
      // A page that is loaded again cannot be asked.
      const field = await seen.catch(() => undefined)
      if (!field?.place) continue
      const [best = 0, second = 0] = evade(field.place, field.zombies, field.goal)
      const beside = [4, 28].includes((best - second + 32) % 32)
      await keys.walk(beside && step % 2 ? second : best)
      await keys.strike(true)
      if (field.ill) await this.page.keyboard.press('KeyE')
      await new Promise((next) => setTimeout(next, 120))
    }
    await keys.walk(null)
    await keys.strike(false)
  }

  close(): Promise<void> {
    return this.page.context().close()
  }
}

/** Asks again and again until there is an answer. @throws when `within_ms` are over */
export async function until<T extends NonNullable<unknown>>(
  what: string,
  within_ms: number,
  ask: () => Promise<T | null | undefined | false>,
): Promise<T> {
  const began_ms = Date.now()
  while (Date.now() - began_ms < within_ms) {
    const answer = await ask()
    // A page that is not there yet knows of nothing.
    if (answer !== null && answer !== undefined && answer !== false) return answer
    await new Promise((next) => setTimeout(next, 50))
  }
  throw new Error(`no ${what} within ${within_ms} ms`)
}

/** Versions that both have: how many, and those whose hashes differ. */
export function compare(one: Map<number, string>, other: Map<number, string>): { equal: number; differ: number[] } {
  const shared = [...one.keys()].filter((version) => other.has(version))
  const differ = shared.filter((version) => one.get(version) !== other.get(version))
  return { equal: shared.length - differ.length, differ }
}
