/** Programs of the tests as real processes of Node: bundled first, since Node does not read the sources as they are. */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'vite'

const JS_HOST = resolve(import.meta.dirname, '..')

/** A bundled program. */
export class Program {
  readonly #directory: string

  private constructor(directory: string) {
    this.#directory = directory
  }

  /** Bundles a file, by its whole path, with all that it imports. */
  static async bundle(source: string): Promise<Program> {
    const directory = mkdtempSync(join(tmpdir(), 'baton-program-'))
    await build({
      configFile: false,
      root: JS_HOST,
      logLevel: 'warn',
      // The npm packages are those of js-host.
      resolve: {
        alias: [{ find: /^(@redis\/client|@upstash\/redis|@devvit\/.+)$/, replacement: `${JS_HOST}/node_modules/$1` }],
      },
      ssr: { noExternal: true },
      build: {
        ssr: source,
        outDir: directory,
        emptyOutDir: false,
        rollupOptions: { output: { entryFileNames: 'program.mjs' } },
      },
    })
    return new Program(directory)
  }

  start(args: string[]): ChildProcess {
    return spawn(process.execPath, [join(this.#directory, 'program.mjs'), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
  }

  /** What it prints until it ends well. @throws if it ends otherwise */
  async run(args: string[]): Promise<string> {
    const child = this.start(args)
    let printed = ''
    child.stdout?.on('data', (part: Buffer) => {
      printed += part.toString()
    })
    const code = await new Promise<number | null>((ended) => child.once('close', ended))
    if (code !== 0) throw new Error(`the program ended with ${code}`)
    return printed
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
