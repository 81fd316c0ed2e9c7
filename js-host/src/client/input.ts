/**
 * Keys, fingers, mouse and buttons as wishes: an angle to walk at, and what to do. Decides what they
 * mean; must not know whether it is possible.
 */

import { type Choices, type Command, commandOf } from './preferences'
import { Stick } from './stick'

/** Where each walking command goes: right and down are positive, as on the screen. */
const WAYS: Partial<Record<Command, readonly [number, number]>> = {
  right: [1, 0],
  left: [-1, 0],
  up: [0, -1],
  down: [0, 1],
}
/** A tap is still wished for so long, in milliseconds: it may come a moment before it is possible. */
const TAP_MS = 400
/** Keys that whatever has the focus uses itself. */
const CONTROL_KEYS = new Set(['Space', 'Enter', 'Tab', 'NumpadEnter'])

const RIGHT_BUTTON = 2
/** What ends a pointer's hold. */
const ENDS = ['pointerup', 'pointercancel', 'lostpointercapture'] as const

/** What the page listens to. */
export interface Sources {
  /** The window: where keys come, and where a mouse button is let go. */
  readonly keys: EventTarget
  /** Where fingers and the mouse walk. */
  readonly surface: HTMLElement
  /** Shown while a finger pulls, with `knob` in it. */
  readonly stick: HTMLElement
  readonly knob: HTMLElement
}

/** The wishes of whoever sits before the page. */
export class Input {
  readonly #choices: Choices
  readonly #angles: number
  readonly #stick: Stick
  /** What is held down, by what holds it. */
  readonly #held = new Map<string, Command>()
  readonly #tapped = new Map<Command, number>()
  readonly #listeners: ((command: Command, down: boolean) => void)[] = []

  constructor({ keys, surface, stick, knob }: Sources, choices: Choices, angles: number) {
    this.#choices = choices
    this.#angles = angles
    this.#stick = new Stick(surface, stick, knob, () => choices.now.lefty)
    keys.addEventListener('keydown', (event) => this.#key(event as KeyboardEvent))
    keys.addEventListener('keyup', (event) => this.#release((event as KeyboardEvent).code))
    keys.addEventListener('blur', () => this.#releaseAll())
    surface.ownerDocument.addEventListener('visibilitychange', () => this.#releaseAll())
    surface.addEventListener('contextmenu', (event) => event.preventDefault())
    // By mouse events: a second button of a mouse is no new pointer.
    surface.addEventListener('mousedown', ({ button, timeStamp }) => {
      if (button === RIGHT_BUTTON) this.#press('mouse', 'strike', timeStamp)
    })
    keys.addEventListener('mouseup', (event) => {
      if ((event as MouseEvent).button === RIGHT_BUTTON) this.#release('mouse')
    })
  }

  /** The angle step that is wished for; null to stand. */
  get wish(): number | null {
    let [x, y] = this.#stick.pull ?? [0, 0]
    if (this.#stick.held) return x === 0 && y === 0 ? null : this.#angle(x, y)
    for (const command of new Set(this.#held.values())) {
      const [dx, dy] = WAYS[command] ?? [0, 0]
      x += dx
      y += dy
    }
    return x === 0 && y === 0 ? null : this.#angle(x, y)
  }

  /** Whether something is wished for now: held down, or tapped a moment ago. */
  wants(command: 'strike' | 'heal' | 'lure', now_ms: number): boolean {
    if (command === 'strike' && this.holds('strike')) return true
    return now_ms - (this.#tapped.get(command) ?? Number.NEGATIVE_INFINITY) < TAP_MS
  }

  /** A tap's wish is fulfilled. */
  done(command: Command): void {
    this.#tapped.delete(command)
  }

  holds(command: Command): boolean {
    return [...this.#held.values()].includes(command)
  }

  /** Calls `listener` when a command begins and ends. */
  listen(listener: (command: Command, down: boolean) => void): void {
    this.#listeners.push(listener)
  }

  /** A pointer went down on a command's button, which holds it until it is lifted, wherever it goes. */
  hold(command: Command, event: PointerEvent): void {
    const button = event.currentTarget as HTMLElement
    const by = `pointer ${event.pointerId} ${command}`
    const lift = ({ pointerId }: PointerEvent) => {
      if (pointerId !== event.pointerId) return
      this.#release(by)
      for (const end of ENDS) button.removeEventListener(end, lift)
    }
    for (const end of ENDS) button.addEventListener(end, lift)
    button.setPointerCapture(event.pointerId)
    this.#press(by, command, event.timeStamp)
  }

  /** A command's button was pressed by other means than a pointer. */
  tap(command: Command, now_ms: number): void {
    this.#press('tap', command, now_ms)
    this.#release('tap')
  }

  #angle(x: number, y: number): number {
    const turn = Math.atan2(y, x) / (2 * Math.PI)
    return (Math.round(turn * this.#angles) + this.#angles) % this.#angles
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
    const command = commandOf(this.#choices.now.keys, event.code)
    if (!command || this.#isTaken(event)) return
    event.preventDefault()
    if (!event.repeat) this.#press(event.code, command, event.timeStamp)
  }

  /** Whether a key is for what has the focus: a dialog, a control, or the way to the next one. */
  #isTaken({ target, code, shiftKey }: KeyboardEvent): boolean {
    const within = (selector: string) => (target as Partial<Element> | null)?.closest?.(selector) != null
    if (within('dialog, input, select, textarea')) return true
    return CONTROL_KEYS.has(code) && (shiftKey || within('button, a, [tabindex]'))
  }

  #press(by: string, command: Command, now_ms: number): void {
    this.#held.set(by, command)
    this.#tapped.set(command, now_ms)
    for (const listener of this.#listeners) listener(command, true)
  }

  #release(by: string): void {
    const command = this.#held.get(by)
    if (command === undefined) return
    this.#held.delete(by)
    for (const listener of this.#listeners) listener(command, false)
  }

  #releaseAll(): void {
    for (const by of [...this.#held.keys()]) this.#release(by)
    this.#stick.release()
  }
}
