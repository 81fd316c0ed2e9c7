/**
 * What the page weighs, and how long a first visit waits: for something to read, and for the first
 * picture of the game. Chromium without a graphics card, nothing cached; workerd behind a proxy that
 * compresses as a delivery network does, which workerd itself does not. Decides nothing about the page.
 */

import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { extname } from 'node:path'
import type { Duplex } from 'node:stream'
import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import type {} from '../src/client/debug'
import { openBrowser } from './browser'
import { atMost, median, plain, spread } from './figure'
import { MATCH } from './match'
import { startBaton } from './server'

const KB = 1_000
const CONTENT_AIM_MS = 1_000
/** A mid-range telephone on what Lighthouse calls slow 4G. */
const SLOW = { cpu: 4, latency: 150, downloadThroughput: 1_600_000 / 8, uploadThroughput: 750_000 / 8 }
const WITHIN_MS = 60_000
const MATCH_ROOM = 'page'
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
}

interface Visit {
  /** From the start of the navigation, in milliseconds. */
  ms: number
  /** Bytes of all bodies that came until then, as they were sent. */
  bytes: number
}

const server = await startBaton('embedded', { contagion: MATCH })
const proxy = createServer(forward)
proxy.on('upgrade', tunnel)
await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening))
const origin = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
const browser = await openBrowser()
try {
  await measure('', 5, false)
  await measure(', 4x slower CPU, slow 4G', 3, true)
} finally {
  await browser.close()
  proxy.closeAllConnections()
  proxy.close()
  await server.stop()
}

async function measure(how: string, times: number, slow: boolean): Promise<void> {
  const [read, played]: [Visit[], Visit[]] = [[], []]
  for (let time = 0; time < times; time++) {
    read.push(await visit(browser, '', slow, content))
    played.push(await visit(browser, '&play', slow, picture))
  }
  const ms = (visits: Visit[]) => visits.map((visit) => visit.ms)
  if (slow) plain(`first content, cold${how}`, median(ms(read)), 'ms')
  else atMost(`first content, cold${how}`, median(ms(read)), 'ms', CONTENT_AIM_MS)
  plain(`first picture of the game by ?play, cold${how}`, median(ms(played)), 'ms')
  console.error(`  first content ${spread(ms(read))} ms, first picture ${spread(ms(played))} ms`)
  if (slow) return
  plain('first screen, gzipped', median(read.map(({ bytes }) => bytes)) / KB, 'KB')
  plain('the whole game until its first picture, gzipped', median(played.map(({ bytes }) => bytes)) / KB, 'KB')
}

/** A first visit: a context of its own, and with it a cache of its own. */
async function visit(
  browser: Browser,
  query: string,
  slow: boolean,
  until: (page: Page) => Promise<number>,
): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 720, height: 512 } })
  try {
    const page = await context.newPage()
    const control = await context.newCDPSession(page)
    await control.send('Network.enable')
    if (slow) {
      const { cpu, ...line } = SLOW
      await control.send('Network.emulateNetworkConditions', { offline: false, ...line })
      await control.send('Emulation.setCPUThrottlingRate', { rate: cpu })
    }
    let bytes = 0
    control.on('Network.dataReceived', ({ encodedDataLength }) => {
      bytes += encodedDataLength
    })
    await page.goto(`${origin}/?room=${MATCH_ROOM}${query}`, { waitUntil: 'commit', timeout: WITHIN_MS })
    const ms = await until(page)
    return { ms, bytes: query ? bytes : await ownBytes(page) }
  } finally {
    await context.close()
  }
}

/** When something could be read. */
function content(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((seen) => {
        new PerformanceObserver((list) => {
          const [first] = list.getEntriesByName('first-contentful-paint')
          if (first) seen(first.startTime)
        }).observe({ type: 'paint', buffered: true })
      }),
  )
}

/** When the game had drawn a frame. */
async function picture(page: Page): Promise<number> {
  const drawn = await page.waitForFunction(
    () => (window.baton && window.baton.drawn() > 0 ? performance.now() : null),
    undefined,
    { timeout: WITHIN_MS },
  )
  return (await drawn.jsonValue()) ?? Number.NaN
}

/** Bodies of the document and of what it names as it is sent: the game is loaded behind the first screen. */
function ownBytes(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const sent = new DOMParser().parseFromString(await (await fetch(location.href)).text(), 'text/html')
    const named = [...sent.querySelectorAll('link[href], script[src]')]
    const urls = new Set(
      named.map((element) => {
        const address = element.getAttribute('src') ?? element.getAttribute('href') ?? ''
        return new URL(address, location.href).href
      }),
    )
    const files = performance.getEntriesByType('resource') as PerformanceResourceTiming[]
    const [navigation] = performance.getEntriesByType('navigation') as PerformanceResourceTiming[]
    const own = files.filter(({ name }) => urls.has(name))
    return [navigation, ...own].reduce((sum, file) => sum + (file?.encodedBodySize ?? 0), 0)
  })
}

/** A directory on disk is not what a host of files makes of it: neither its index nor types. */
function upstream(asked: IncomingMessage) {
  const { hostname, port } = new URL(server.origin)
  const path = asked.url?.replace(/^\/(?=\?|$)/, '/index.html')
  return { hostname, port, path, method: asked.method, headers: asked.headers }
}

function forward(asked: IncomingMessage, answer: ServerResponse): void {
  const passed = request(upstream(asked), (came) => {
    const parts: Buffer[] = []
    came.on('data', (part: Buffer) => parts.push(part))
    came.on('end', () => {
      const { 'content-length': _, 'transfer-encoding': __, ...headers } = came.headers
      const plain_ = Buffer.concat(parts)
      const pays = asked.method === 'GET' && plain_.length > 200 && !headers['content-encoding']
      const body = pays ? gzipSync(plain_) : plain_
      if (pays) headers['content-encoding'] = 'gzip'
      const type = TYPES[extname(passed.path.split('?')[0] ?? '')]
      if (type) headers['content-type'] = type
      answer.writeHead(came.statusCode ?? 502, { ...headers, 'content-length': body.length })
      answer.end(body)
    })
  })
  passed.on('error', () => answer.destroy())
  asked.pipe(passed)
}

/** A socket goes through as it is. */
function tunnel(asked: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { hostname, port } = new URL(server.origin)
  const passed = connect(Number(port), hostname, () => {
    const lines = asked.rawHeaders.map((text, at) => (at % 2 ? `${text}\r\n` : `${text}: `))
    passed.write(`GET ${asked.url} HTTP/1.1\r\n${lines.join('')}\r\n`)
    passed.write(head)
    passed.pipe(socket).pipe(passed)
  })
  for (const end of [socket, passed])
    end.on('error', () => {
      socket.destroy()
      passed.destroy()
    })
}
