/**
 * The service worker of the web's page: it keeps one build and nothing of the API, a page is the network's if there is one,
 * and a new build takes over from an old one that is open.
 */

import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join, resolve } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { securityHeaders } from '../../js-host/src/security'
import { openBrowser, Player, until } from './support/browser'

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
}

let browser: Browser
/** The files that are served; a test may change them. */
let files: string
let host: Server
let url: string
/** What the host says to everything, instead of what it has. */
let broken: number | null = null

beforeAll(async () => {
  browser = await openBrowser()
  files = mkdtempSync(join(tmpdir(), 'baton-page-'))
  cpSync(resolve(import.meta.dirname, '../../js-host/dist/page'), files, { recursive: true })
  host = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', url)
    for (const [name, value] of securityHeaders(new URL(url), { frame_ancestors: "'self'" }))
      response.setHeader(name, value)
    if (broken !== null) return response.writeHead(broken).end()
    if (pathname.startsWith('/api/')) return response.setHeader('content-type', 'application/json').end('{}')
    const file = pathname === '/' ? '/index.html' : pathname
    try {
      const content = readFileSync(join(files, file))
      return response.setHeader('content-type', TYPES[extname(file)] ?? 'text/plain').end(content)
    } catch {
      return response.writeHead(404).end()
    }
  })
  await new Promise<void>((ready) => host.listen(0, '127.0.0.1', ready))
  url = `http://127.0.0.1:${(host.address() as AddressInfo).port}`
})
afterAll(async () => {
  await browser?.close()
  host?.close()
  rmSync(files, { recursive: true, force: true })
})

/** The paths of what the page's caches hold. */
function held({ page }: Player): Promise<string[]> {
  return page.evaluate(async () => {
    const caches_ = await Promise.all((await caches.keys()).map((name) => caches.open(name)))
    const requests = (await Promise.all(caches_.map((cache) => cache.keys()))).flat()
    return requests.map((request) => new URL(request.url).pathname).sort()
  })
}

/** Everything of a build but the worker itself. */
function build(): string[] {
  const assets = readdirSync(join(files, 'assets')).map((name) => `/assets/${name}`)
  return [...assets, '/index.html'].sort()
}

/** Another build: a page with another title, and scripts with other names. Returns the names of those before. */
function rebuild(): string[] {
  const scripts = readdirSync(join(files, 'assets')).filter((name) => name.endsWith('.js'))
  for (const name of scripts) renameSync(join(files, 'assets', name), join(files, 'assets', `new-${name}`))
  const assets = readdirSync(join(files, 'assets')).map((name) => `assets/${name}`)
  for (const name of ['index.html', 'sw.js', ...assets.filter((each) => /\.(js|css)$/.test(each))]) {
    const before = readFileSync(join(files, name), 'utf8')
    const renamed = scripts.reduce((text, script) => text.replaceAll(script, `new-${script}`), before)
    const text = renamed.replace('<title>Contagion<', '<title>Another<')
    writeFileSync(join(files, name), text.replace(/("index.html","revision":)"\w+"/, '$1"another"'))
  }
  return scripts.map((name) => `/assets/${name}`)
}

test('b01_a_build_is_kept_whole_the_api_is_not_and_a_new_one_takes_over', async () => {
  const player = await Player.visit(browser, url)
  const { page } = player
  const reload = async () => {
    await page.reload()
    return page.title()
  }
  await page.evaluate(() => navigator.serviceWorker.ready)
  expect(await page.evaluate(() => fetch('api/health').then((answer) => answer.json()))).toEqual({})
  expect(await held(player)).toEqual(build())

  // A host that is down, with something in front of it that says so.
  broken = 503
  expect(await page.evaluate(() => fetch('api/health').then(({ status }) => status))).toBe(503)
  expect(await reload()).toBe('Contagion')
  broken = null
  player.faults.splice(0)

  const before = rebuild()
  expect(await reload()).toBe('Another')
  await until('the new build and nothing else', 20_000, async () => `${await held(player)}` === `${build()}`)
  expect((await held(player)).filter((path) => before.includes(path))).toEqual([])
  expect(player.faults).toEqual([])

  await page.context().setOffline(true)
  expect(await reload()).toBe('Another')
  await page.locator('#alone').click()
  // Without a session there is no seed in hand.
  await page.getByText('Nobody pays for this run').waitFor()
  await page.locator('#minimap').waitFor()
  // Who is on the way into a room that does not answer may play alone as well.
  await page.goto(`${url}/?play`)
  await page.locator('#alone-instead').click()
  await page.getByText('Nobody pays for this run').waitFor()
  await player.close()
})
