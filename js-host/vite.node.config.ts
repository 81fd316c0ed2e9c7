/** How the Node host is bundled: one file that needs no packages, and the wasm beside it. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { defineConfig, type Plugin } from 'vite'

const server = process.env.BATON_WASM ?? resolve(import.meta.dirname, 'dist/wasm/server')

const wasm: Plugin = {
  name: 'wasm-beside-the-bundle',
  generateBundle() {
    const source = readFileSync(resolve(server, 'baton_server_bg.wasm'))
    this.emitFile({ type: 'asset', fileName: 'server.wasm', source })
  },
}

export default defineConfig({
  plugins: [wasm],
  resolve: { alias: [{ find: /^#wasm\/server$/, replacement: resolve(server, 'baton_server.js') }] },
  ssr: { noExternal: true },
  build: {
    ssr: resolve(import.meta.dirname, 'src/hosts/node-main.ts'),
    outDir: 'dist/node',
    target: 'node22',
    rollupOptions: { output: { entryFileNames: 'server.mjs' } },
  },
})
