/** Serves the page with its gallery, for the tests of the layout. Decides nothing of what is in it. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createServer } from 'vite'

/** A running server. */
export interface Gallery {
  /** The page; with `?gallery` the gallery's script in place of the game's. Ends with a slash. */
  url: string
  stop(): Promise<void>
}

/** Starts it on a free port of loopback. */
export async function serveGallery(): Promise<Gallery> {
  const scratch = mkdtempSync(join(tmpdir(), 'baton-gallery-'))
  const vite = await createServer({
    configFile: resolve(import.meta.dirname, '../vite.config.ts'),
    cacheDir: scratch,
    plugins: [
      {
        name: 'gallery',
        transformIndexHtml: {
          order: 'pre',
          handler: (html, { originalUrl = '' }) =>
            originalUrl.includes('gallery') ? html.replace('./main.ts', './gallery/gallery.ts') : html,
        },
      },
    ],
    server: { host: '127.0.0.1', port: 0, watch: null, hmr: false },
    logLevel: 'error',
  })
  await vite.listen()
  return {
    url: vite.resolvedUrls?.local[0] ?? '',
    stop: async () => {
      await vite.close()
      rmSync(scratch, { recursive: true, force: true })
    },
  }
}
