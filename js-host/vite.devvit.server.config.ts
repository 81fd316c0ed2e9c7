/** How the server for Devvit is bundled: one CommonJS file, its packages and the wasm inside. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { defineConfig, type Plugin } from 'vite'

const server = process.env.BATON_WASM ?? resolve(import.meta.dirname, 'dist/wasm/server-slots')
const TEXT = '#wasm/server-slots.base64'

const wasm: Plugin = {
  name: 'wasm-as-text',
  enforce: 'pre',
  resolveId: (source) => (source === TEXT ? `\0${TEXT}` : null),
  load(id) {
    if (id !== `\0${TEXT}`) return null
    return `export default '${readFileSync(resolve(server, 'baton_server_bg.wasm')).toString('base64')}'`
  },
}

export default defineConfig({
  plugins: [wasm],
  resolve: { alias: [{ find: /^#wasm\/server-slots$/, replacement: resolve(server, 'baton_server.js') }] },
  ssr: { noExternal: true, target: 'node' },
  build: {
    ssr: resolve(import.meta.dirname, 'src/hosts/devvit-main.ts'),
    outDir: 'devvit/dist/server',
    target: 'node22',
    minify: true,
    rollupOptions: { output: { format: 'cjs', entryFileNames: 'index.cjs' } },
  },
})
