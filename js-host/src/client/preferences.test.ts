/** What a player chose: kept, checked when it is read, and there even where nothing can be kept. */

import { expect, test } from 'vitest'
import { Choices, commandOf, DEFAULTS, keyName, type Storage } from './preferences'

function memory(): Storage & { text: string | null } {
  return {
    text: null,
    getItem() {
      return this.text
    },
    setItem(_key, text) {
      this.text = text
    },
  }
}

test('a choice is told, kept, and read again', () => {
  const storage = memory()
  const choices = new Choices(() => storage)
  expect(choices.now).toEqual(DEFAULTS)
  const told: boolean[] = []
  choices.listen(({ sound }) => told.push(sound))
  choices.change({ sound: true, lefty: true })
  choices.bind('lure', 'KeyX')
  expect(told).toEqual([true, true])
  const again = new Choices(() => storage).now
  expect(again).toEqual(choices.now)
  expect([again.sound, again.lefty, again.calm, again.keys.lure]).toEqual([true, true, null, ['KeyX']])
})

test('a key does one thing: who takes it takes it away', () => {
  const choices = new Choices(memory)
  choices.bind('heal', 'KeyW')
  const { keys } = choices.now
  expect([keys.heal, keys.up, commandOf(keys, 'KeyW'), commandOf(keys, 'KeyE')]).toEqual([
    ['KeyW'],
    ['ArrowUp'],
    'heal',
    null,
  ])
})

test.each([
  ['no JSON', '{'],
  ['another type', '"loud"'],
  ['null', 'null'],
  ['wrong fields', '{"sound":1,"calm":"yes","lefty":"left","keys":{"up":["KeyI",7],"heal":"KeyE"}}'],
])('%s is as nothing', (_what, text) => {
  const storage = memory()
  storage.text = text
  expect(new Choices(() => storage).now).toEqual(DEFAULTS)
})

test('where storage is refused a choice lasts as long as the page', () => {
  const choices = new Choices(() => {
    throw new Error('SecurityError')
  })
  choices.change({ calm: true })
  expect(choices.now).toEqual({ ...DEFAULTS, calm: true })
})

test('keys have names that people know', () => {
  expect(['KeyW', 'ArrowLeft', 'Digit4', 'Numpad8', 'F1', 'Tab'].map(keyName)).toEqual([
    ...['W', '←', '4', 'Num 8', 'F1', 'Tab'],
  ])
})
