/**
 * Hands on a page: keys, or two thumbs on glass. Decides how a wish becomes events; must not know
 * what is wished for.
 */

import type { CDPSession, Page } from 'playwright-core'

/** What somebody at a page can do. Angles are of 32 steps, clockwise from the right; null stands. */
export interface Hands {
  walk(angle: number | null): Promise<void>
  strike(down: boolean): Promise<void>
}

/** Keys of the eight directions, clockwise from the right. */
const ARROWS = [
  ['ArrowRight'],
  ['ArrowRight', 'ArrowDown'],
  ['ArrowDown'],
  ['ArrowDown', 'ArrowLeft'],
  ['ArrowLeft'],
  ['ArrowLeft', 'ArrowUp'],
  ['ArrowUp'],
  ['ArrowUp', 'ArrowRight'],
]

/** The arrow keys, and Space. */
export class Keys implements Hands {
  readonly #page: Page
  #held: string[] = []

  constructor(page: Page) {
    this.#page = page
  }

  async walk(angle: number | null): Promise<void> {
    const keys = angle === null ? [] : (ARROWS[Math.round(angle / 4) % 8] ?? [])
    for (const key of this.#held) if (!keys.includes(key)) await this.#page.keyboard.up(key)
    for (const key of keys) if (!this.#held.includes(key)) await this.#page.keyboard.down(key)
    this.#held = keys
  }

  strike(down: boolean): Promise<void> {
    return down ? this.#page.keyboard.down('Space') : this.#page.keyboard.up('Space')
  }
}

interface Finger {
  id: number
  x: number
  y: number
}

/** How far the left thumb pulls, in CSS pixels. */
const PULL_PX = 45

/** The left thumb pulls the stick, the right one holds the button. */
export class Thumbs implements Hands {
  readonly #page: Page
  readonly #touch: CDPSession
  #fingers: Finger[] = []

  private constructor(page: Page, touch: CDPSession) {
    this.#page = page
    this.#touch = touch
  }

  static async of(page: Page): Promise<Thumbs> {
    return new Thumbs(page, await page.context().newCDPSession(page))
  }

  async walk(angle: number | null): Promise<void> {
    const { width, height } = this.#page.viewportSize() ?? { width: 0, height: 0 }
    const [x, y] = [width * 0.25, height * 0.6]
    if (angle === null) return this.#lift(0)
    await this.#put({ id: 0, x, y })
    const turn = (angle * Math.PI) / 16
    await this.#move({ id: 0, x: x + Math.cos(turn) * PULL_PX, y: y + Math.sin(turn) * PULL_PX })
  }

  async strike(down: boolean): Promise<void> {
    if (!down) return this.#lift(1)
    const box = await this.#page.locator('button.act.strike').boundingBox()
    if (!box) throw new Error('there is no button to strike')
    await this.#put({ id: 1, x: box.x + box.width / 2, y: box.y + box.height / 2 })
  }

  async #put(finger: Finger): Promise<void> {
    if (this.#fingers.some(({ id }) => id === finger.id)) return
    this.#fingers.push(finger)
    await this.#send('touchStart')
  }

  async #move(finger: Finger): Promise<void> {
    this.#fingers = this.#fingers.map((other) => (other.id === finger.id ? finger : other))
    await this.#send('touchMove')
  }

  async #lift(id: number): Promise<void> {
    if (!this.#fingers.some((finger) => finger.id === id)) return
    this.#fingers = this.#fingers.filter((finger) => finger.id !== id)
    await this.#send('touchEnd')
  }

  async #send(type: 'touchStart' | 'touchMove' | 'touchEnd'): Promise<void> {
    await this.#touch.send('Input.dispatchTouchEvent', { type, touchPoints: this.#fingers })
  }
}
