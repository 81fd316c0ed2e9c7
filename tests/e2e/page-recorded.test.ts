/**
 * A recorded match, replayed by the client's wasm as it ships, in Node and in Chromium: the same
 * hashes as natively (`crates/contagion/tests/recorded.rs` records it and says what is in the files).
 */

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Instance } from '../../js-host/dist/wasm/client/baton_client'
import { openBrowser } from './support/browser'
import { frames, recorded } from './support/recorded'

const WASM = resolve(import.meta.dirname, '../../js-host/dist/wasm')

/** What the files of a build contain: the glue as a function's source, and the wasm. */
function build(directory: string): { glue: string; wasm: string } {
  const glue = readFileSync(`${WASM}/${directory}/baton_client.js`, 'utf8').replace(
    'export function',
    'return function',
  )
  return { glue, wasm: readFileSync(`${WASM}/${directory}/baton_client_bg.wasm`).toString('base64') }
}

/** Replays wherever it runs: it must use nothing of this file. */
function replay({ glue, wasm, frames }: { glue: string; wasm: string; frames: string[] }) {
  const unpack = (text: string) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
  const instantiate = new Function(glue)() as (module: WebAssembly.Module) => Instance
  const face = instantiate(new WebAssembly.Module(unpack(wasm)))
  const replica = new face.Replica('nobody', face.newDevice())
  const seen = frames.map((frame) => {
    replica.frame(unpack(frame), 0)
    const hud = JSON.parse(replica.hud() ?? 'null') as { hud: { zombies: number } } | null
    return { v: replica.version(), tick: replica.tick(), zombies: hud?.hud.zombies ?? 0, frame: replica.hash() }
  })
  return { seen, status: replica.status(0), report: replica.desync() !== undefined }
}

const packed = frames.map((frame) => Buffer.from(frame).toString('base64'))
const wanted = recorded.checkpoints.map(({ v, tick, zombies, frame }) => ({ v, tick, zombies, frame }))

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser?.close())

const places = {
  Node: async (directory: string) => replay({ ...build(directory), frames: packed }),
  Chromium: async (directory: string) => {
    const page = await browser.newPage()
    try {
      return await page.evaluate(replay, { ...build(directory), frames: packed })
    } finally {
      await page.close()
    }
  },
}

describe.each(Object.entries(places))('in %s', (_, run) => {
  test('a_recorded_match_replays_to_the_same_hash', async () => {
    const { seen, report } = await run('client')
    expect(seen.length).toBe(recorded.frames)
    expect(report).toBe(false)
    expect(wanted.length).toBeGreaterThan(5)
    expect(wanted.map(({ v }) => seen[v - 1])).toEqual(wanted)
  })

  test('rules_that_differ_by_one_rule_are_noticed', async () => {
    const { status, report } = await run('client-altered')
    expect([status, report]).toEqual(['desync', true])
  })
})
