/** How the page is bundled: no inline script, wasm as a file of its own, one page per client wasm. */
import { resolve } from 'node:path'
import { defineConfig } from 'vite'

const wasm = process.env.BATON_WASM ?? resolve(import.meta.dirname, 'dist/wasm/client')

export default defineConfig({
  root: resolve(import.meta.dirname, 'src/client'),
  // Relative: the same files are served at the root of a Worker and below a path elsewhere.
  base: './',
  resolve: {
    alias: [
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
})
