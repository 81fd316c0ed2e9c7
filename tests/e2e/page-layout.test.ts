/**
 * The page's words at every size that it is shown at, in made-up moments: nothing is cut off, nothing
 * lies over something else, fingers find every button, and words can be read. No room, no wasm calls.
 */

import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Gallery, serveGallery } from '../../js-host/test/gallery'
import { openBrowser } from './support/browser'

const TOUCH = { hasTouch: true, isMobile: true }
const SIZES: Record<string, BrowserContextOptions> = {
  embed: { viewport: { width: 700, height: 512 } },
  'narrow embed': { viewport: { width: 343, height: 512 }, ...TOUCH },
  phone: { viewport: { width: 390, height: 844 }, ...TOUCH },
  'phone on its side': { viewport: { width: 844, height: 390 }, ...TOUCH },
  desktop: { viewport: { width: 1280, height: 800 } },
}
const MOMENTS = [
  ...['joining', 'idle', 'countdown', 'playing', 'infected', 'urgent', 'turned', 'down', 'watching', 'won', 'lost'],
  ...['reconnecting', 'stalled', 'desync', 'halted', 'lost, out of sync'],
]
const TOUCH_PX = 44
const CONTRAST = 4.5
/** What must not lie over each other; what is inside of another of these is not compared. */
const BLOCKS =
  '.match, .tools, .vitals, .counts, .map, .alarm, .notice, .spectator, .act, .feed li, .moment > p, .scores'

let browser: Browser
let gallery: Gallery

beforeAll(async () => {
  gallery = await serveGallery()
  browser = await openBrowser()
})
afterAll(async () => {
  await browser?.close()
  await gallery?.stop()
})

/** What is wrong with the page as it is. `blocks`: selectors of what must not overlap. */
function faultsOf(page: Page, blocks: string): Promise<string[]> {
  return page.evaluate(
    ([selector, least, contrast]) => {
      const faults: string[] = []
      const nameOf = (element: Element) => `${element.tagName.toLowerCase()}.${element.className} “${text(element)}”`
      const text = (element: Element) => (element.textContent ?? '').trim().replace(/\s+/g, ' ').slice(0, 40)
      const seen = (element: Element) =>
        element.checkVisibility({ visibilityProperty: true }) && element.getBoundingClientRect().width > 1
      const within = (root: ParentNode, what: string) => [...root.querySelectorAll<HTMLElement>(what)].filter(seen)
      const root = document.querySelector('dialog[open]') ?? document.body
      // A list that scrolls shows what it has by and by.
      const scrolled = (element: Element) => element.closest('.sheet, dialog') !== null
      const shown = within(root, selector).filter((element) => !scrolled(element))
      const boxes = shown.map((element) => ({ element, box: element.getBoundingClientRect() }))
      for (const { element, box } of boxes) {
        const out = box.left < 0 || box.top < 0 || box.right > innerWidth + 0.5 || box.bottom > innerHeight + 0.5
        if (out) faults.push(`${nameOf(element)} is cut off: ${JSON.stringify(box)}`)
        const clips = getComputedStyle(element).textOverflow === 'ellipsis'
        if (!clips && element.scrollWidth > element.clientWidth + 1) faults.push(`${nameOf(element)} is too narrow`)
      }
      for (const [index, one] of boxes.entries()) {
        for (const other of boxes.slice(index + 1)) {
          if (one.element.contains(other.element) || other.element.contains(one.element)) continue
          const wide = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left)
          const high = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top)
          if (wide > 0.5 && high > 0.5) faults.push(`${nameOf(one.element)} lies over ${nameOf(other.element)}`)
        }
      }
      for (const button of within(root, 'button, a')) {
        const { width, height } = button.getBoundingClientRect()
        if (width < least || height < least) faults.push(`${nameOf(button)} is ${width} × ${height}`)
      }

      const pen = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })
      /** A colour over another one, as red, green, blue. */
      const over = (colour: string, below: number[]): number[] => {
        if (!pen) return below
        pen.fillStyle = `rgb(${below.join(' ')})`
        pen.fillRect(0, 0, 1, 1)
        pen.fillStyle = colour
        pen.fillRect(0, 0, 1, 1)
        return [...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)]
      }
      const light = (rgb: number[]) => {
        const [red = 0, green = 0, blue = 0] = rgb.map((each) => {
          const part = each / 255
          return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
        })
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue
      }
      for (const element of within(root, '*')) {
        const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim())
        // Words over the field itself have a shadow; what cannot be used now may be faint.
        const exempt = element.closest('.moment, .walk, .unseen, [data-lacks=true], button:disabled, svg, noscript')
        if (!own || (exempt && !element.closest('.band'))) continue
        const behind: string[] = []
        for (let at: Element | null = element; at; at = at.parentElement) {
          // What lies over the field shows it: take the brightest there can be.
          if (at === document.body && !element.closest('.first, dialog')) break
          behind.unshift(getComputedStyle(at).backgroundColor)
        }
        const floor = element.closest('.first, dialog') ? [11, 18, 32] : [255, 255, 255]
        const ground = behind.reduce((below, colour) => over(colour, below), floor)
        const [a, b] = [light(over(getComputedStyle(element).color, ground)), light(ground)]
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
        if (ratio < contrast) faults.push(`${nameOf(element)} has a contrast of ${ratio.toFixed(2)}`)
      }
      return faults
    },
    [blocks, TOUCH_PX, CONTRAST] as const,
  )
}

async function open(options: BrowserContextOptions, query: string): Promise<Page> {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  const room = { present: [1, 2, 3], game: { phase: 'playing', ms_left: 131_000, survivors: 17, zombies: 248 } }
  await page.route('**/api/**', (route) => route.fulfill({ json: room }))
  // What is loaded behind the first screen never comes.
  await page.route('**/play.ts*', () => {})
  await page.goto(`${gallery.url}${query}`)
  return page
}

describe.each(Object.entries(SIZES))('%s', (size, options) => {
  test('the_first_screen_fits', async () => {
    const page = await open(options, '')
    await page.getByText('Rescue comes in').waitFor()
    expect(await faultsOf(page, '.scene, h1, .lead, .live, .go > *, .room-line')).toEqual([])
    expect(await page.locator('.first').evaluate((first) => first.scrollHeight - first.clientHeight)).toBe(0)
    await page.getByRole('button', { name: 'How to play' }).click()
    const help = page.locator('#help')
    expect(await faultsOf(page, '.rules li')).toEqual([])
    expect(await help.evaluate((dialog) => dialog.scrollHeight - dialog.clientHeight)).toBe(0)
    await page.keyboard.press('Escape')
    expect(await help.isVisible()).toBe(false)
    await page.getByRole('button', { name: 'Play', exact: true }).click()
    await page.getByRole('progressbar', { name: 'Loading the game…' }).waitFor()
    expect(await faultsOf(page, '.scene, h1, .lead, .live, .go > *, .loading, .room-line')).toEqual([])
    expect(await page.locator('.first').evaluate((first) => first.scrollHeight - first.clientHeight)).toBe(0)
    // Somebody comes back whose run is under way.
    await page.evaluate(() => localStorage.setItem('baton.run', ''))
    await page.goto(gallery.url)
    await page.getByRole('button', { name: 'Continue alone' }).waitFor()
    await page.getByText('Rescue comes in').waitFor()
    expect(await faultsOf(page, '.scene, h1, .lead, .live, .go > *, .room-line')).toEqual([])
    expect(await page.locator('.first').evaluate((first) => first.scrollHeight - first.clientHeight)).toBe(0)
    await page.context().close()
  })

  test('the_account_fits_and_shows_how_each_look_looks', async () => {
    const page = await open(options, '?gallery')
    await page.waitForFunction('window.gallery')
    await page.evaluate('gallery.account()')
    const account = page.locator('#account')
    expect(await faultsOf(page, '.account li, .account dl div, .account .go > *')).toEqual([])
    expect(await account.evaluate((dialog) => dialog.scrollWidth - dialog.clientWidth)).toBe(0)
    const pictures = await page.locator('#account .look canvas').evaluateAll((canvases) =>
      (canvases as HTMLCanvasElement[]).map((canvas) => {
        const { width, height } = canvas
        const pixels = canvas.getContext('2d')?.getImageData(0, 0, width, height).data ?? new Uint8ClampedArray()
        return { width, shown: canvas.getBoundingClientRect().width, pixels: [...pixels] }
      }),
    )
    expect(pictures.map(({ width, shown }) => [width, shown])).toEqual(Array(8).fill([80, 40]))
    // Each differs from each other in a good part of the figure, and all are ours: white at the shoulders.
    for (const [at, { pixels }] of pictures.entries()) {
      const painted = pixels.filter((_, index) => index % 4 === 3 && (pixels[index] ?? 0) > 200).length
      expect(painted).toBeGreaterThan(1_000)
      const white = (index: number) => [0, 1, 2, 3].every((part) => (pixels[index + part] ?? 0) > 225)
      let [shoulders, sides] = [0, 0]
      for (let y = 0; y < 80; y += 1)
        for (const x of [...Array(16).keys()].flatMap((x) => [x, 79 - x])) {
          const index = 4 * (80 * y + x)
          if ((pixels[index + 3] ?? 0) < 200) continue
          sides += 1
          if (white(index)) shoulders += 1
        }
      expect(shoulders / sides, `look ${at}`).toBeGreaterThan(0.4)
      for (const other of pictures.slice(at + 1)) {
        let differs = 0
        for (let index = 0; index < pixels.length; index += 4) {
          const by = [0, 1, 2].map((part) => Math.abs((pixels[index + part] ?? 0) - (other.pixels[index + part] ?? 0)))
          if (Math.max(...by) > 24) differs += 1
        }
        expect(differs / painted, `look ${at}`).toBeGreaterThan(0.15)
      }
    }
    if (size === 'phone') await page.screenshot({ path: '../tests/output/account-looks.png', fullPage: false })
    await page.context().close()
  })

  test('every_moment_fits', async () => {
    const page = await open(options, '?gallery')
    await page.waitForFunction('window.gallery')
    expect((await page.evaluate('gallery.moments')) as string[]).toEqual(expect.arrayContaining(MOMENTS))
    const faults: string[] = []
    for (const lefty of [false, true]) {
      await page.evaluate(`gallery.lefty(${lefty})`)
      for (const moment of MOMENTS) {
        await page.evaluate(`gallery.show('${moment}')`)
        const found = await faultsOf(page, BLOCKS)
        faults.push(...found.map((fault) => `${moment}${lefty ? ', left-handed' : ''}: ${fault}`))
      }
    }
    expect(faults).toEqual([])
    await page.evaluate(`gallery.show('playing')`)
    // The scene is told what is covered, and most of the field is not.
    const { top, bottom } = (await page.evaluate('gallery.inset()')) as { top: number; bottom: number }
    const { height = 0 } = page.viewportSize() ?? {}
    expect(top).toBeGreaterThanOrEqual(TOUCH_PX)
    expect(top + bottom).toBeLessThan(0.65 * height)
    await page.context().close()
  })

  test('dialogs_and_scores_fit_and_can_be_used_and_closed', async () => {
    const page = await open(options, '?gallery')
    await page.waitForFunction('window.gallery')
    await page.getByRole('button', { name: /^Scores/ }).click()
    expect(await faultsOf(page, '.bar, .scores')).toEqual([])
    await page.keyboard.press('Escape')
    expect(await page.locator('.scores').count()).toBe(0)
    await page.getByRole('button', { name: 'Settings' }).click()
    const settings = page.locator('#settings')
    expect(await faultsOf(page, '.toggle, .bindings li, .row button')).toEqual([])
    expect(await settings.evaluate((dialog) => dialog.scrollWidth - dialog.clientWidth)).toBe(0)
    for (const name of ['Sound', 'Left-handed', 'Reduced motion']) await page.getByRole('switch', { name }).click()
    const kept = await page.evaluate(() => localStorage.getItem('baton.preferences'))
    expect(JSON.parse(kept ?? '')).toMatchObject({ sound: true, lefty: true, calm: true })
    await settings.getByRole('button', { name: 'Close' }).click()
    expect(await settings.isVisible()).toBe(false)
    await page.context().close()
  })
})
