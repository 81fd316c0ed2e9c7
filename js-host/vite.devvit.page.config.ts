/**
 * How the pages of a Reddit post are bundled: `splash.html`, which is in the feed, and `game.html`, which is the web's page
 * under another name. What both show is written once, in index.html: between `<!-- NAME -->` and `<!-- /NAME -->`.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { defineConfig, mergeConfig, type Plugin } from 'vite'
import { pageAt, root } from './vite.config.ts'

const index = resolve(root, 'index.html')

/** Puts what index.html has between its marks where another page says `<!-- take NAME -->`. */
const taken: Plugin = {
  name: 'parts-of-the-page',
  transformIndexHtml: {
    order: 'pre',
    handler(html) {
      const source = readFileSync(index, 'utf8')
      return html.replace(/<!-- take (\w+) -->/g, (_, name: string) => {
        const [, part] = new RegExp(`<!-- ${name} -->([^]*?)<!-- /${name} -->`).exec(source) ?? []
        if (part === undefined) throw new Error(`index.html marks no ${name}`)
        return part.trim()
      })
    },
  },
}

/** The entry points of a post are named in devvit.json: the page that plays is `game.html`. */
const named: Plugin = {
  name: 'page-that-plays',
  enforce: 'post',
  generateBundle(_, bundle) {
    const page = bundle['index.html']
    if (!page) throw new Error('there is no index.html to rename')
    page.fileName = 'game.html'
  },
}

export default defineConfig(
  mergeConfig(pageAt('devvit'), {
    plugins: [taken, named],
    build: {
      outDir: resolve(import.meta.dirname, 'devvit/dist/client'),
      emptyOutDir: true,
      rollupOptions: { input: { splash: resolve(root, 'splash.html'), game: index } },
    },
  }),
)
