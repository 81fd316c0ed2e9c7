/** Which leases a process gives back when it ends. */

import { expect, test } from 'vitest'
import { type Append, type Found, nothing } from '../src/effect'
import { Handover, type Releasing } from '../src/stores/handover'

const READ = { known: nothing(), since: 0, block: null }
const FOUND: Found = {
  clock_ms: 0,
  head: nothing(),
  known: null,
  trimmed: false,
  snapshot: null,
  frames: [],
  inbox: [],
  lease: null,
  block: null,
  attempt: null,
}

/** A store that says of each append what a test wants, and what was given back. */
function store(says: (room: string, v: number) => { appended: boolean; head_v: number }) {
  const released: string[] = []
  const releasing: Releasing = {
    read: async () => FOUND,
    append: async (room, { v }) => {
      const { appended, head_v } = says(room, v)
      return { appended, found: { ...FOUND, head: { ...nothing(), v: head_v } } }
    },
    push: async () => ({ full: false, found: FOUND }),
    note: async () => FOUND,
    release: async (room, v) => void released.push(`${room} ${v}`),
  }
  const handover = new Handover(releasing)
  const append = (room: string, v: number) => handover.append(room, { v } as Append, READ)
  return { handover, append, released }
}

test('the last frame of each room that this process leads is let go of, and what others lead is not', async () => {
  const lost = (room: string, v: number) => room === 'lost' && v === 2
  const passed = (room: string) => room === 'passed'
  const { handover, append, released } = store((room, v) => ({
    appended: !lost(room, v),
    head_v: passed(room) ? v + 1 : v,
  }))
  for (const room of ['held', 'lost', 'passed']) await append(room, 1)
  for (const room of ['held', 'lost']) await append(room, 2)
  await handover.release()
  expect(released).toEqual(['held 2'])
  await handover.release()
  expect(released.length).toBe(1)
})

test('what was renewed longest ago is forgotten, however many rooms a process leads in its life', async () => {
  const { handover, append, released } = store((_, v) => ({ appended: true, head_v: v }))
  for (let room = 0; room < 10_000; room += 1) await append(`${room}`, 1)
  await append('0', 2)
  await append('one more', 1)
  await handover.release()
  expect(released.length).toBe(10_000)
  expect(released).toContain('0 2')
  expect(released).not.toContain('1 1')
})
