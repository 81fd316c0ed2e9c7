/**
 * What a frame costs in a browser without a graphics card: the gallery, built as the page is and
 * served under the page's policy. `--pictures <directory>` saves what is seen instead, in every
 * size that the game is embedded in. Decides no aims of the product: they are the bench's own.
 */

import { mkdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, resolve } from 'node:path'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { build } from 'vite'
import { securityHeaders } from '../src/security'
import { openBrowser } from './browser'
import { atMost, median, percentile, plain } from './figure'
import type {} from './gallery/gallery'

const ROOT = resolve(import.meta.dirname, '..')
const OUT = join(ROOT, 'dist/gallery')
const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }
const MEASURE_MS = 6_000
/** A third of a frame at 60 Hz: the rest is for rules, words and the browser. */
const DRAW_AIM_MS = 5.5
const FRAME_MS = 1_000 / 60

const SIZES: Record<string, BrowserContextOptions> = {
  embed: { viewport: { width: 600, height: 512 } },
  tall: { viewport: { width: 343, height: 512 }, deviceScaleFactor: 2 },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 },
  desktop: { viewport: { width: 1_280, height: 800 } },
  sharp: { viewport: { width: 1_280, height: 800 }, deviceScaleFactor: 2 },
}
const VIEWS: Record<string, string> = {
  well: 'aim=1',
  infected: 'me=1&inset=20',
  turned: 'me=2',
  whole: 'view=whole',
  calm: 'calm=1',
}

await build({
  configFile: join(ROOT, 'vite.config.ts'),
  root: join(ROOT, 'bench/gallery'),
  logLevel: 'error',
  build: { outDir: OUT, emptyOutDir: true },
})
const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', `http://${request.headers.host}`)
  const file = join(OUT, url.pathname === '/' ? 'index.html' : url.pathname)
  for (const [name, value] of securityHeaders(url, { frame_ancestors: "'none'" })) response.setHeader(name, value)
  try {
    const bytes = readFileSync(file)
    response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream').end(bytes)
  } catch {
    response.writeHead(404).end()
  }
})
await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const browser = await openBrowser()
try {
  const at = process.argv.indexOf('--pictures')
  if (at >= 0) await pictures(process.argv[at + 1] ?? OUT, process.argv[at + 2])
  else await measure()
} finally {
  await browser.close()
  server.close()
}

async function open(size: BrowserContextOptions, query: string): Promise<Page> {
  const page = await browser.newPage(size)
  page.on('console', (message) => message.type() === 'error' && console.error(message.text()))
  await page.goto(`${origin}/?${query}`)
  await page.waitForFunction(() => window.gallery && (window.gallery.frames > 20 || window.gallery.error))
  const error = await page.evaluate(() => window.gallery.error)
  if (error) throw new Error(error)
  return page
}

async function measure(): Promise<void> {
  for (const [name, size] of Object.entries({ embed: SIZES.embed, desktop: SIZES.desktop })) {
    const page = await open(size ?? {}, 'zombies=600&players=64')
    const from = await page.evaluate(() => window.gallery.frames)
    await new Promise((passed) => setTimeout(passed, MEASURE_MS))
    const { frames, draws_ms } = await page.evaluate(() => window.gallery)
    await page.close()
    const drawn = draws_ms.slice(20)
    plain(`frames a second, ${name}, 600 zombies, no graphics card`, ((frames - from) * 1_000) / MEASURE_MS, '/s')
    atMost(`draw(), ${name}, 600 zombies`, median(drawn), 'ms', DRAW_AIM_MS)
    plain('  its 95th percentile', percentile(drawn, 95), 'ms')
    plain('  of a frame at 60 Hz', (median(drawn) * 100) / FRAME_MS, '%')
  }
}

async function pictures(directory: string, only: string | undefined): Promise<void> {
  mkdirSync(directory, { recursive: true })
  for (const [size, options] of Object.entries(SIZES)) {
    for (const [view, query] of Object.entries(VIEWS)) {
      const name = `${size}-${view}`
      if (only && !new RegExp(only).test(name)) continue
      const page = await open(options, query)
      await new Promise((passed) => setTimeout(passed, 1_500))
      await page.screenshot({ path: join(directory, `${name}.png`) })
      await page.close()
    }
  }
}
