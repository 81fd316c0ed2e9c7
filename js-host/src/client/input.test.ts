/** Keys, fingers and buttons as wishes. The DOM is the platform's own event targets, and little more. */

import { beforeEach, expect, test } from 'vitest'
import { Input } from './input'
import { Choices, type Command } from './preferences'

class Part extends EventTarget {
  readonly ownerDocument = new EventTarget()
  readonly style: Record<string, string> = {}
  hidden = true
  setPointerCapture(): void {}
  getBoundingClientRect(): object {
    return { left: 0, width: 400 }
  }
}

let keys: EventTarget
let surface: Part
let ring: Part
let choices: Choices
let input: Input
let told: [Command, boolean][]

beforeEach(() => {
  keys = new EventTarget()
  surface = new Part()
  ring = new Part()
  choices = new Choices(() => {
    throw new Error('no storage')
  })
  const parts = { surface, stick: ring, knob: new Part() } as unknown as Record<
    'surface' | 'stick' | 'knob',
    HTMLElement
  >
  input = new Input({ keys, ...parts }, choices, 32)
  told = []
  input.listen((command, down) => told.push([command, down]))
})

function send(target: EventTarget, type: string, fields: object): Event {
  const event = new Event(type, { cancelable: true })
  for (const [name, value] of Object.entries(fields)) Object.defineProperty(event, name, { value })
  target.dispatchEvent(event)
  return event
}
const key = (type: 'keydown' | 'keyup', code: string, fields: object = {}) => send(keys, type, { code, ...fields })
const finger = (type: string, pointerId: number, clientX: number, clientY: number, pointerType = 'touch') =>
  send(surface, type, { pointerId, clientX, clientY, pointerType, button: 0 })

test('walking keys add up, two keys of one way are one, and releasing all stands', () => {
  key('keydown', 'ArrowRight')
  expect(input.wish).toBe(0)
  key('keydown', 'KeyS')
  expect(input.wish).toBe(4)
  key('keydown', 'KeyD')
  expect(input.wish).toBe(4)
  key('keyup', 'ArrowRight')
  key('keyup', 'KeyD')
  expect(input.wish).toBe(8)
  key('keydown', 'KeyW')
  expect(input.wish).toBeNull()
  key('keyup', 'KeyW')
  key('keyup', 'KeyS')
  expect(input.wish).toBeNull()
})

test('a tap is wished for until it is done or too old; a held strike for as long as it is held', () => {
  const { timeStamp } = key('keydown', 'KeyE')
  key('keyup', 'KeyE')
  expect([input.wants('heal', timeStamp + 300), input.wants('heal', timeStamp + 500)]).toEqual([true, false])
  input.done('heal')
  expect(input.wants('heal', timeStamp + 1)).toBe(false)
  key('keydown', 'Space')
  input.done('strike')
  expect(input.wants('strike', timeStamp + 60_000)).toBe(true)
  key('keyup', 'Space')
  expect(input.wants('strike', timeStamp + 60_000)).toBe(false)
})

test('what the browser repeats, and what is for a dialog or a focused control, is no command', () => {
  // An element of this name, as far as it is asked.
  const within = (name: string) => ({
    target: { closest: (selector: string) => selector.split(', ').find((one) => one === name) },
  })
  key('keydown', 'KeyQ', { repeat: true })
  key('keydown', 'KeyQ', within('dialog'))
  for (const code of ['Space', 'Tab']) key('keydown', code, within('button'))
  key('keydown', 'KeyM', { ctrlKey: true })
  key('keydown', 'Tab', { shiftKey: true })
  expect(told).toEqual([])
  expect(key('keydown', 'Tab').defaultPrevented).toBe(true)
  key('keydown', 'KeyQ', within('button'))
  expect(told).toEqual([
    ['scores', true],
    ['lure', true],
  ])
})

test('a key that was given to another command does that', () => {
  choices.bind('lure', 'KeyW')
  key('keydown', 'KeyW')
  expect([input.wish, told]).toEqual([null, [['lure', true]]])
})

test('losing the window releases everything', () => {
  key('keydown', 'ArrowLeft')
  finger('pointerdown', 1, 100, 100)
  finger('pointermove', 1, 160, 100)
  expect(input.wish).toBe(0)
  keys.dispatchEvent(new Event('blur'))
  expect([input.wish, ring.hidden, told.at(-1)]).toEqual([null, true, ['left', false]])
})

test('a finger pulls on its half of the screen only, which the left-handed change', () => {
  finger('pointerdown', 1, 300, 100)
  finger('pointermove', 1, 360, 100)
  expect([input.wish, ring.hidden]).toEqual([null, true])
  finger('pointerdown', 2, 100, 100)
  finger('pointermove', 2, 105, 105)
  expect([input.wish, ring.hidden]).toEqual([null, false])
  finger('pointermove', 2, 100, 40)
  finger('pointermove', 1, 10, 100)
  expect(input.wish).toBe(24)
  finger('pointerup', 1, 10, 100)
  expect(input.wish).toBe(24)
  finger('pointerup', 2, 100, 40)
  expect(input.wish).toBeNull()
  choices.change({ lefty: true })
  finger('pointerdown', 3, 300, 100)
  finger('pointermove', 3, 360, 100)
  expect(input.wish).toBe(0)
})

test('the mouse pulls anywhere, and its right button strikes meanwhile', () => {
  finger('pointerdown', 1, 300, 100, 'mouse')
  finger('pointermove', 1, 300, 200, 'mouse')
  const { timeStamp } = send(surface, 'mousedown', { button: 2 })
  expect([input.wish, input.wants('strike', timeStamp + 9_000)]).toEqual([8, true])
  send(keys, 'mouseup', { button: 2 })
  expect([input.wish, input.holds('strike')]).toEqual([8, false])
})

test('two thumbs: a button is held by its own finger while another one walks', () => {
  const button = new Part()
  const down = send(button, 'pointerdown', { pointerId: 5, currentTarget: button })
  input.hold('strike', down as PointerEvent)
  finger('pointerdown', 1, 100, 100)
  finger('pointermove', 1, 40, 100)
  expect([input.wish, input.holds('strike')]).toEqual([16, true])
  finger('pointerup', 1, 40, 100)
  expect([input.wish, input.holds('strike')]).toEqual([null, true])
  send(button, 'pointerup', { pointerId: 6 })
  expect(input.holds('strike')).toBe(true)
  send(button, 'pointerup', { pointerId: 5 })
  expect(input.holds('strike')).toBe(false)
})
