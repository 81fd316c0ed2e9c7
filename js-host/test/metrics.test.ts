/** The text that Prometheus reads, and what is measured at a store. */

import { expect, test } from 'vitest'
import type { Append } from '../src/effect'
import { nothing } from '../src/effect'
import { Histogram, metricsText } from '../src/metrics'
import { Measured } from '../src/stores/measured'
import { MemoryStore } from '../src/stores/memory'

const COUNTERS = {
  requests: 7,
  invocations: 6,
  led: 5,
  followed: 4,
  lost: 3,
  unknown: 2,
  traps: 1,
  delivered: 0,
}

test('every metric has help, a type, and a name that says what it is', () => {
  const histogram = new Histogram([0.1, 1])
  for (const value of [0.1, 0.25, 0.5, 2]) histogram.observe(value)
  const text = metricsText({
    counters: COUNTERS,
    more: [{ name: 'drops', help: 'Drops.', value: 9 }],
    gauges: [{ name: 'rooms', help: 'Rooms.', value: 8 }],
    distributions: [{ name: 'wait_seconds', help: 'Waits.', histogram }],
  })
  expect(text.endsWith('\n')).toBe(true)
  const blocks = text.split('# HELP ').slice(1)
  expect(blocks.length).toBe(Object.keys(COUNTERS).length + 3)
  for (const block of blocks) {
    const [help = '', type = '', ...samples] = block.trimEnd().split('\n')
    const [name = ''] = help.split(' ')
    expect(help).toMatch(/^baton_[a-z_]+ [A-Z].*\.$/)
    expect(type).toMatch(new RegExp(`^# TYPE ${name} (counter|gauge|histogram)$`))
    expect(name.endsWith('_total')).toBe(type.endsWith('counter'))
    expect(samples.length).toBeGreaterThan(0)
    for (const sample of samples) expect(sample).toMatch(new RegExp(`^${name}[a-z_]*({le="[^"]+"})? [0-9.]+$`))
  }
  expect(text).toContain('\nbaton_lost_total 3\n')
  expect(text).toContain('\nbaton_drops_total 9\n')
  expect(text).toContain('\nbaton_rooms 8\n')
  expect(text).toContain(
    'baton_wait_seconds_bucket{le="0.1"} 1\nbaton_wait_seconds_bucket{le="1"} 3\n' +
      'baton_wait_seconds_bucket{le="+Inf"} 4\nbaton_wait_seconds_sum 2.85\nbaton_wait_seconds_count 4\n',
  )
})

/** Two processes on one store, whose clock a test moves. */
function world() {
  const clock = { now_ms: 1_000_000 }
  const store = new MemoryStore(() => clock.now_ms)
  const [one, other] = [new Measured(store), new Measured(store)]
  const read = { known: nothing(), since: 0, block: null }
  const frame = (v: number, framed: number[]): Append => {
    const hash = (of: number) => new Uint8Array(16).fill(of)
    const bytes = new Uint8Array([v])
    const rest = { frame: bytes, published: bytes, lease_ms: 200, framed, note: null, snapshot: null }
    return { v, previous: hash(v - 1), hash: hash(v), ...rest }
  }
  return { clock, one, other, read, frame }
}

const samples = (of: Measured, name: string) => {
  const found = of.distributions.find((each) => each.name === name)
  return found?.histogram.samples(name).split('\n').slice(-3, -1).join(' ')
}

test('what waited in an inbox is measured when it is framed, and how long a room stood still when it is taken over', async () => {
  const { clock, one, other, read, frame } = world()
  await one.append('room', frame(1, []), read)
  const { found } = await other.push('room', [new Uint8Array([1]), new Uint8Array([2])], read)
  const ids = found.inbox.map(({ id }) => id)
  expect(samples(other, 'inbox_items')).toBe('inbox_items_sum 2 inbox_items_count 1')
  // Its own leader frames the first: it waited, the room did not stand still.
  clock.now_ms += 100
  await one.read('room', read)
  await one.append('room', frame(2, ids.slice(0, 1)), read)
  expect(samples(one, 'inbox_wait_seconds')).toBe('inbox_wait_seconds_sum 0.1 inbox_wait_seconds_count 1')
  expect(samples(one, 'freeze_seconds')).toBe('freeze_seconds_sum 0 freeze_seconds_count 0')
  // It dies: another takes over.
  clock.now_ms += 400
  await other.read('room', read)
  await other.append('room', frame(3, ids.slice(1)), read)
  expect(samples(other, 'inbox_wait_seconds')).toBe('inbox_wait_seconds_sum 0.5 inbox_wait_seconds_count 1')
  expect(samples(other, 'freeze_seconds')).toBe('freeze_seconds_sum 0.5 freeze_seconds_count 1')
})

test('what is refused is measured by nobody, and a takeover for which nothing waited is no freeze', async () => {
  const { clock, one, other, read, frame } = world()
  await one.append('room', frame(1, []), read)
  const { found } = await other.push('room', [new Uint8Array([1])], read)
  clock.now_ms += 1_000
  const late = { ...frame(1, [found.inbox[0]?.id ?? 0]), hash: new Uint8Array(16).fill(9) }
  expect((await other.append('room', late, read)).appended).toBe(false)
  expect(samples(other, 'inbox_wait_seconds')).toBe('inbox_wait_seconds_sum 0 inbox_wait_seconds_count 0')
  await other.append('room', frame(2, []), read)
  expect(samples(other, 'freeze_seconds')).toBe('freeze_seconds_sum 0 freeze_seconds_count 0')
})
