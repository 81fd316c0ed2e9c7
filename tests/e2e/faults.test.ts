/**
 * Rules that break, on workerd and in both modes: what breaks them is set aside, time that breaks them halts its room,
 * and the other rooms of the instance go on. The server is built with rules that can be broken on purpose
 * (`crates/brittle`); nothing else about these rooms differs.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Device, guest, until } from './device'
import { type Server, startServer } from './server'
import { decode, frame } from './wire'

/** `Reject::FAULTED`. */
const FAULTED = 0xff01
const ADD = [0, 2]
/** Time breaks the rules after ten ticks. */
const FUSE = [6, 10]
const STEER = [3]

describe.each(['embedded', 'stateless'] as const)('%s', (mode) => {
  let server: Server

  beforeAll(async () => {
    server = await startServer({ mode, build: 'altered' })
  })
  afterAll(() => server?.stop())

  async function player(room: string): Promise<Device> {
    const device = new Device(server.url, room, await guest(server.url))
    await device.join()
    return device
  }

  /** Sends these until each has its verdict, whatever it costs the instance. */
  async function verdicts(device: Device, ...bodies: number[][]): Promise<number[]> {
    const answered = device.seq
    const actions = bodies.map((body, at) => ({ seq: answered + at + 1, version: 1, body: new Uint8Array(body) }))
    device.seq += bodies.length
    let found: number[] = []
    await until(async () => {
      const reply = await device.ask(device.hail({ answered, actions })).catch((error: Error) => {
        if (!/^(500 restarted|503 retry)$/.test(error.message)) throw error
        return null
      })
      if ((reply?.device?.mark ?? 0) < device.seq) return false
      found = reply?.device?.verdicts ?? []
      return true
    })
    return found
  }

  /** One after the other. */
  async function thrice(device: Device, body: number[]): Promise<number[]> {
    const all: number[] = []
    for (let count = 0; count < 3; count++) all.push(...(await verdicts(device, body)))
    return all
  }

  const traps = () => server.log().split('"event":"trap"').length - 1

  async function view(room: string): Promise<unknown> {
    return (await fetch(`${server.url}/api/rooms/${room}/view`)).json()
  }

  test.each([
    ['panics when it is judged', [1]],
    ['panics when it is done', [2]],
    ['draws without end', [3]],
    ['grows without end, and counts it', [4]],
    ['sends without end', [5]],
    ['grows until there is no memory', [8]],
  ])('b29_an_action_that_%s_is_set_aside_and_everybody_goes_on', async (_, broken) => {
    const room = `brittle/r${broken}`
    const [ann, mallory, game] = await Promise.all([player(room), player(room), player('contagion/beside')])
    const before = traps()
    const [set_aside, adds, steers] = await Promise.all([
      verdicts(mallory, ADD, broken, ADD),
      thrice(ann, ADD),
      thrice(game, STEER),
    ])
    expect(set_aside).toEqual([0, FAULTED, 0])
    expect(adds).toEqual([0, 0, 0])
    // Whatever the game says to it, it says so in its time.
    expect(steers).toHaveLength(3)
    expect(steers).not.toContain(FAULTED)
    expect(await verdicts(ann, ADD)).toEqual([0])
    expect(await view(room)).toMatchObject({ halted: false })
    // Together once, then alone twice; somebody else may meet it meanwhile. Hosts that told nobody would need more.
    expect(traps() - before).toBeGreaterThanOrEqual(3)
    expect(traps() - before).toBeLessThanOrEqual(5)
  })

  test('security_26_27_after_twenty_traps_in_a_row_what_is_valid_is_taken_once', async () => {
    const room = 'brittle/row'
    const [ann, mallory] = await Promise.all([player(room), player(room)])
    const before = traps()
    let rows = 0
    for (; traps() < before + 20; rows++) expect(await verdicts(mallory, [2], [1], ADD)).toEqual([FAULTED, FAULTED, 0])
    expect(rows).toBeLessThan(12)
    expect(await thrice(ann, ADD)).toEqual([0, 0, 0])
    // The log is what everybody saw: each entry once, and nothing of what broke.
    const { news } = await ann.ask(ann.hail({ answered: ann.seq }))
    const frames = news.tag === 'frames' ? news.frames : []
    const entries = frames.flatMap((bytes) => decode(frame, bytes).entries)
    expect(entries.filter((entry) => entry.tag === 'act')).toHaveLength(rows + 3)
    expect(entries.filter((entry) => entry.tag === 'reject' && entry.code === FAULTED)).toHaveLength(2 * rows)
  })

  test('b29_time_that_breaks_the_rules_halts_its_room_which_says_so_and_no_other', async () => {
    const [ann, game, beside] = await Promise.all([
      player('brittle/time'),
      player('contagion/beside-time'),
      player('brittle/beside-time'),
    ])
    expect(await verdicts(ann, ADD, FUSE)).toEqual([0, 0])
    await until(async () => ((await view('brittle/time')) as { halted: boolean }).halted)
    const actions = [{ seq: ann.seq + 1, version: 1, body: new Uint8Array(ADD) }]
    await expect(ann.ask(ann.hail({ answered: ann.seq, actions }))).rejects.toThrow('503 halted')
    // What there is may still be read, and stands still.
    const { head } = await ann.ask(ann.hail({ answered: ann.seq }))
    expect(await verdicts(beside, ADD)).toEqual([0])
    expect(await verdicts(game, STEER)).toHaveLength(1)
    expect(await view('brittle/beside-time')).toMatchObject({ halted: false })
    expect((await ann.ask(ann.hail({ answered: ann.seq }))).head).toEqual(head)
  })
})
