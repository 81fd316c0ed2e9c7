/**
 * The TypeScript tests, in Node: `unit` is what needs no server and no browser, `stores` what starts
 * stores, `devvit` what runs the app for Devvit, `e2e` what drives servers and browsers.
 * Decides where tests are and how long they may take.
 */
import { resolve } from 'node:path'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

const tests = resolve(import.meta.dirname, '../tests')

/** The end-to-end tests are at the top level, outside of this npm project; its packages are theirs. */
const packagesForTests: Plugin = {
  name: 'packages-for-tests',
  enforce: 'pre',
  resolveId(source, importer, options) {
    const bare = !source.startsWith('.') && !source.startsWith('/') && !source.startsWith('\0')
    if (!bare || !importer?.startsWith(tests)) return null
    return this.resolve(source, resolve(import.meta.dirname, 'package.json'), { ...options, skipSelf: true })
  },
}

export default defineConfig({
  plugins: [packagesForTests],
  test: {
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['{src,test}/**/*.test.ts'], testTimeout: 20_000 },
      },
      {
        extends: true,
        server: { fs: { allow: [resolve(import.meta.dirname, '..')] } },
        test: {
          name: 'stores',
          dir: tests,
          include: ['stores/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        server: { fs: { allow: [resolve(import.meta.dirname, '..')] } },
        test: {
          name: 'devvit',
          dir: tests,
          include: ['devvit/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        server: { fs: { allow: [resolve(import.meta.dirname, '..')] } },
        test: {
          name: 'e2e',
          dir: tests,
          include: ['e2e/**/*.test.ts'],
          // One at a time: each starts wrangler and a browser, and measures nothing well beside another.
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
})
