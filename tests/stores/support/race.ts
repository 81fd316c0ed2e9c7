/**
 * The part of every store's contract that takes more than one process: eight of them append to one room as fast as they
 * can; each version is won by one, and what is there is what its winner wrote.
 */

import { join } from 'node:path'
import { expect } from 'vitest'
import type { Store } from '../../../js-host/src/store'
import { Program } from '../../../js-host/test/program'

/** How a process reaches a store. */
export type Reach =
  | { by: 'tcp' | 'cluster'; ports: number[] }
  | { by: 'http'; url: string; token: string }
  /** A Redis, by the packages of Devvit. `root` is the repository. */
  | { by: 'devvit'; url: string; root: string }
  /** Lists of encoded effects, in a POST each. */
  | { by: 'effects'; url: string }

/** What a process tells at the end. */
export interface Result {
  won: number[]
  lost: number
}

const RACERS = 8

/** The name of the test. */
export const RACE = 'p10_of_eight_processes_that_race_each_version_is_won_once'

/** Runs the race in a new room. `store` is the same store, for a look at what is left. `versions`: at least a segment. */
export async function race(reach: Reach, store: Store, room: string, versions = 1_000): Promise<void> {
  const program = await Program.bundle(join(import.meta.dirname, 'racer.ts'))
  try {
    const racers = Array.from({ length: RACERS }, (_, racer) =>
      program.run([JSON.stringify(reach), room, String(racer), String(versions)]),
    )
    const results = (await Promise.all(racers)).map((text) => JSON.parse(text) as Result)
    const won = results.flatMap((result) => result.won).sort((one, other) => one - other)
    expect(won).toEqual(Array.from({ length: versions }, (_, at) => at + 1))
    expect(results.filter((result) => result.won.length > 0).length).toBeGreaterThan(1)
    expect(results.reduce((sum, { lost }) => sum + lost, 0)).toBeGreaterThan(0)
    const winner = (v: number) => results.findIndex((result) => result.won.includes(v)) + 1
    const { head, block, frames } = await store.read(room, {
      known: { v: 0, hash: new Uint8Array(16) },
      since: 0,
      block: 64,
    })
    expect([head.v, frames.at(-1)?.at(-1)]).toEqual([versions, winner(versions)])
    expect(block?.map((frame) => frame.at(-1))).toEqual(Array.from({ length: 64 }, (_, at) => winner(at + 1)))
  } finally {
    program.remove()
  }
}
