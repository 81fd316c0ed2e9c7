/** The parts of an app's `devvit.json` that a local Devvit works by. */

import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Inline heights by name, in pixels. `regular` and `tall` are documented; of `short` no number was found, and this one is
 * a guess.
 */
const HEIGHTS: Record<string, number> = { short: 160, regular: 320, tall: 512 }

export interface Entrypoint {
  entry: string
  height_px: number
}

export interface MenuItem {
  label: string
  endpoint: string
}

export interface Task {
  endpoint: string
  cron?: string
  data?: unknown
}

export interface Configuration {
  name: string
  /** The folder of the page's files. */
  client: string
  /** The server's bundle. */
  server: string
  entrypoints: Record<string, Entrypoint>
  menu: MenuItem[]
  triggers: Record<string, string>
  tasks: Record<string, Task>
  /** As the platform hands it to the app. */
  appConfig: object
}

interface Written {
  name: string
  permissions?: object
  post?: { dir?: string; entrypoints?: Record<string, { entry?: string; height?: string | number }> }
  server?: { dir?: string; entry?: string }
  menu?: { items?: MenuItem[] }
  triggers?: Record<string, string>
  scheduler?: { tasks?: Record<string, Task | string> }
}

export function readConfiguration(path: string): Configuration {
  const written = JSON.parse(readFileSync(path, 'utf8')) as Written
  const { name, permissions = {}, post = {}, server = {}, menu, triggers = {}, scheduler } = written
  const from = dirname(path)
  const named = Object.entries(post.entrypoints ?? { default: {} }).map(([key, entrypoint]) => [
    key,
    { name: key, entry: 'index.html', height: 'regular', ...entrypoint },
  ]) as [string, { name: string; entry: string; height: string | number }][]
  return {
    name,
    client: resolve(from, post.dir ?? 'public'),
    server: resolve(from, server.dir ?? 'dist/server', server.entry ?? 'index.js'),
    entrypoints: Object.fromEntries(
      named.map(([key, { entry, height }]) => [key, { entry, height_px: pixels(height) }]),
    ),
    menu: menu?.items ?? [],
    triggers,
    tasks: Object.fromEntries(
      Object.entries(scheduler?.tasks ?? {}).map(([key, task]) => [
        key,
        typeof task === 'string' ? { endpoint: task } : task,
      ]),
    ),
    appConfig: {
      schema: 'v1',
      name,
      permissions,
      post: { dir: post.dir ?? 'public', entrypoints: Object.fromEntries(named) },
      json: written,
    },
  }
}

function pixels(height: string | number): number {
  return typeof height === 'number' ? height : (HEIGHTS[height] ?? 320)
}
