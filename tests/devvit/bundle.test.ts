/** What is uploaded to Reddit: its configuration against the published schema, one file as the server, and what starting it costs. */

import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import schema from '@devvit/shared-types/schemas/config-file.v1.json'
import products from '@devvit/shared-types/schemas/products.json'
import Ajv from 'ajv/dist/2020'
import { expect, test } from 'vitest'
import { atMost, plain } from '../../js-host/bench/figure'
import { startLocal } from '../../js-host/devvit/local/local.ts'
import { ROOT } from '../e2e/support/cargo'
import { asUser, ROOM } from './support/players'

const APP = join(ROOT, 'js-host/devvit')
const MB = 1_000_000
const json = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
const config = json(join(APP, 'devvit.json')) as {
  name: string
  post: { dir: string; entrypoints: Record<string, { entry: string }> }
  server: { dir: string; entry: string }
}
const SERVER = join(APP, config.server.dir, config.server.entry)

/** What the schema has against a configuration. */
function faults(written: object): string[] {
  const ajv = new Ajv({ strict: false, validateFormats: false })
  ajv.addSchema(products)
  const valid = ajv.compile(schema)
  return valid(written) ? [] : (valid.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

test('p10_the_configuration_of_the_devvit_app_is_of_the_published_schema', () => {
  expect(faults(config)).toEqual([])
  expect(faults({ ...config, name: 'No' })).not.toEqual([])
  expect(faults({ ...config, permissions: { redis: 'yes' } })).not.toEqual([])
  for (const { entry } of Object.values(config.post.entrypoints)) {
    expect(existsSync(join(APP, config.post.dir, entry)), entry).toBe(true)
  }
})

test('p10_the_packages_of_the_platform_are_pinned_to_one_version', () => {
  const { dependencies, devDependencies } = json(join(ROOT, 'js-host/package.json')) as Record<
    string,
    Record<string, string>
  >
  const versions = Object.entries({ ...dependencies, ...devDependencies }).filter(([name]) =>
    name.startsWith('@devvit/'),
  )
  expect(versions.length).toBeGreaterThan(4)
  expect(new Set(versions.map(([, version]) => version)).size).toBe(1)
  expect(versions[0]?.[1]).toMatch(/^\d+\.\d+\.\d+$/)
})

test('p10_the_server_for_devvit_is_one_file_that_needs_nothing_but_node', async () => {
  expect(readdirSync(join(APP, config.server.dir))).toEqual([config.server.entry])
  const text = readFileSync(SERVER, 'utf8')
  const required = [...text.matchAll(/\brequire\([`'"]([^`'"]+)[`'"]\)/g)].map(([, name]) => name ?? '')
  expect(required.length).toBeGreaterThan(0)
  expect(required.filter((name) => !isBuiltin(name))).toEqual([])
  atMost('server for Devvit', statSync(SERVER).size / MB, 'MB', 1)
  plain('server for Devvit, gzipped', gzipSync(text).length / MB, 'MB')
  // It is put together for a page without inline scripts, and without any of other origins.
  for (const { entry } of Object.values(config.post.entrypoints)) {
    const html = readFileSync(join(APP, config.post.dir, entry), 'utf8')
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)[^>]*>|\bon\w+=|https?:\/\/(?!www\.w3\.org)/)
  }
})

test('p10_a_cold_process_for_devvit_answers', async () => {
  // The bundle alone, without the platform's script: what reading, compiling and running it takes.
  const code = `const began = performance.now(); globalThis.enableWebbitBundlingHack = true; require(${JSON.stringify(SERVER)}); console.log(performance.now() - began)`
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', code])
  plain('server for Devvit, from nothing to ready', Number(stdout), 'ms')
  expect(Number(stdout)).toBeGreaterThan(0)
  const devvit = await startLocal({ log: () => {} })
  try {
    const began_ms = performance.now()
    const { status } = await asUser(devvit, 'alice')(`${devvit.url}/api/rooms/${ROOM}/tail`, {})
    plain('its first request', performance.now() - began_ms, 'ms')
    expect(status).toBe(200)
  } finally {
    await devvit.stop()
  }
})
