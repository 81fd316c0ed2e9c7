/** Files of a folder as answers, and Reddit's own script into each page of an app. */

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, extname, join, normalize, sep } from 'node:path'
import type { Answer } from './http.ts'

const TYPES: Record<string, string> = {
  ...{
    '.html': 'text/html; charset=utf-8',
    '.css': 'text/css; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
  },
  ...{ '.mjs': 'text/javascript; charset=utf-8', '.json': 'application/json', '.map': 'application/json' },
  ...{ '.wasm': 'application/wasm', '.md': 'text/plain; charset=utf-8', '.txt': 'text/plain; charset=utf-8' },
  ...{ '.svg': 'image/svg+xml', '.png': 'image/png', '.jpg': 'image/jpeg', '.webp': 'image/webp', '.gif': 'image/gif' },
  ...{ '.ico': 'image/x-icon', '.woff2': 'font/woff2', '.mp3': 'audio/mpeg', '.ogg': 'audio/ogg', '.wav': 'audio/wav' },
}

/** A file of a folder, whatever the path tries; `undefined` if there is none. */
export async function fileOf(folder: string, path: string): Promise<Answer | undefined> {
  let name: string
  try {
    name = normalize(join(folder, decodeURIComponent(path)))
  } catch {
    return undefined
  }
  if (!name.startsWith(folder + sep) || name.includes('\0')) return undefined
  const body = await readFile(name).catch(() => undefined)
  if (!body) return undefined
  const type = TYPES[extname(name)] ?? 'application/octet-stream'
  return { status: 200, headers: { 'content-type': type, 'cache-control': 'no-store' }, body }
}

const packages = createRequire(import.meta.url)
const SCRIPTS = dirname(packages.resolve('@devvit/web-view-scripts/scripts/devvit.v1.min.js'))
const { version } = packages('@devvit/client/package.json') as { version: string }
const TAG = `<script src="/__devvit/devvit.v1.min.js?clientVersion=${version}"></script>`

/** One of Reddit's scripts, as it is in `@devvit/web-view-scripts`. */
export function scriptOf(name: string): Promise<Answer | undefined> {
  return fileOf(SCRIPTS, name)
}

/** A page of an app as it is uploaded: with Reddit's script before everything else. */
export function withScript(page: Answer): Answer {
  const html = page.body.toString()
  const [head] = /<head(?:\s[^>]*)?>/i.exec(html) ?? []
  return { ...page, body: Buffer.from(head ? html.replace(head, () => head + TAG) : TAG + html) }
}
