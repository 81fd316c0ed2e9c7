/** How the page is bundled: no inline script, wasm as a file of its own, one page per client wasm. */
import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { defineConfig, mergeConfig, type Plugin, type UserConfig } from 'vite'

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

/** The service worker knows all other files of its build: by their names if these have hashes, else by their content. */
const keptFiles: Plugin = {
  name: 'kept-files',
  enforce: 'post',
  generateBundle(_, bundle) {
    const worker = bundle['sw.js']
    if (worker?.type !== 'chunk') throw new Error('there is no service worker')
    const files = Object.values(bundle).filter((file) => file !== worker)
    const kept = files.map((file) => {
      const hashed = file.fileName.startsWith('assets/')
      const content = file.type === 'chunk' ? file.code : file.source
      return { url: file.fileName, revision: hashed ? null : createHash('sha256').update(content).digest('hex') }
    })
    const code = worker.code.replaceAll('__BUILD__', JSON.stringify(kept))
    if (code === worker.code || /^(import|export) /m.test(code)) throw new Error('the service worker is not one file')
    worker.code = code
  },
}

const worker: UserConfig = {
  plugins: [keptFiles],
  build: {
    rollupOptions: {
      input: { index: resolve(root, 'index.html'), sw: resolve(root, 'sw.ts') },
      output: { entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
    },
  },
}

export default defineConfig(mergeConfig(pageAt('web'), worker))
