/** How the page is bundled: no inline script, wasm as a file of its own, one page per client wasm. */
import { resolve } from 'node:path'
import { defineConfig, type UserConfig } from 'vite'

const wasm = process.env.BATON_WASM ?? resolve(import.meta.dirname, 'dist/wasm/client')

/** Where the sources of the pages are. */
export const root = resolve(import.meta.dirname, 'src/client')

/** The page as it runs at a place, a module of `src/client/place`. */
export function pageAt(place: 'web' | 'devvit'): UserConfig {
  return {
    root,
    // Relative: the same files are served at the root of a Worker and below a path elsewhere.
    base: './',
    resolve: {
      alias: [
        { find: /^#place$/, replacement: resolve(root, `place/${place}.ts`) },
        { find: /^#wasm\/client$/, replacement: resolve(wasm, 'baton_client.js') },
        { find: /^#wasm\/client\.wasm(?=$|\?)/, replacement: resolve(wasm, 'baton_client_bg.wasm') },
      ],
    },
    build: {
      target: 'es2022',
      // The page's CSP allows neither inline scripts nor data: for anything but images.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
  }
}

export default defineConfig(pageAt('web'))
