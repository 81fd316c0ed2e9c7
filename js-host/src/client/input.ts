/**
 * Keys and fingers as a wish: an angle to walk at, or to stand. Decides what they mean; must not
 * know whether walking is possible.
 */

/** Where each key goes: right and down are positive, as on the screen. By place, not by letter. */
const KEYS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
  KeyD: [1, 0],
  KeyA: [-1, 0],
  KeyW: [0, -1],
  KeyS: [0, 1],
}
const STOPS = new Set(['Escape', 'Space'])
/** A finger nearer to where it came down than this, in CSS pixels, stands still. */
const DEAD_PX = 14
/** How far the stick is drawn from its middle, at most, in CSS pixels. */
const REACH_PX = 46

/** Listens to a surface, and shows where a finger pulls. */
export class Input {
  readonly #angles: number
  readonly #surface: HTMLElement
  readonly #stick: HTMLElement
  readonly #knob: HTMLElement
  readonly #pressed = new Set<string>()
  #pull: { pointer: number; x: number; y: number; angle: number | null } | null = null

  /** `stick` holds `knob`: both are shown while a finger pulls. */
  constructor(surface: HTMLElement, stick: HTMLElement, knob: HTMLElement, angles: number) {
    this.#surface = surface
    this.#stick = stick
    this.#knob = knob
    this.#angles = angles
    addEventListener('keydown', this.#down)
    addEventListener('keyup', this.#up)
    addEventListener('blur', this.#release)
    document.addEventListener('visibilitychange', this.#release)
    surface.addEventListener('pointerdown', this.#touch)
    surface.addEventListener('pointermove', this.#drag)
    for (const end of ['pointerup', 'pointercancel', 'lostpointercapture'] as const) {
      surface.addEventListener(end, this.#lift)
    }
  }

  /** The angle step that is wished for; null to stand. */
  get wish(): number | null {
    if (this.#pull) return this.#pull.angle
    let [x, y] = [0, 0]
    for (const key of this.#pressed) {
      const [dx, dy] = KEYS[key] ?? [0, 0]
      x += dx
      y += dy
    }
    return x === 0 && y === 0 ? null : this.#angle(Math.sign(x), Math.sign(y))
  }

  #angle(x: number, y: number): number {
    const turn = Math.atan2(y, x) / (2 * Math.PI)
    return (Math.round(turn * this.#angles) + this.#angles) % this.#angles
  }

  readonly #down = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLButtonElement
    if (STOPS.has(event.code) && !typing) {
      event.preventDefault()
      this.#release()
    }
    if (!(event.code in KEYS) || event.target instanceof HTMLInputElement) return
    event.preventDefault()
    if (!event.repeat) this.#pressed.add(event.code)
  }

  readonly #up = (event: KeyboardEvent): void => {
    this.#pressed.delete(event.code)
  }

  readonly #release = (): void => {
    this.#pressed.clear()
    this.#pull = null
    this.#show()
  }

  readonly #touch = (event: PointerEvent): void => {
    if (this.#pull || (event.pointerType === 'mouse' && event.button !== 0)) return
    this.#surface.setPointerCapture(event.pointerId)
    this.#pull = { pointer: event.pointerId, x: event.clientX, y: event.clientY, angle: null }
    this.#show()
  }

  readonly #drag = (event: PointerEvent): void => {
    if (this.#pull?.pointer !== event.pointerId) return
    const [x, y] = [event.clientX - this.#pull.x, event.clientY - this.#pull.y]
    this.#pull.angle = Math.hypot(x, y) < DEAD_PX ? null : this.#angle(x, y)
    this.#show(x, y)
  }

  readonly #lift = (event: PointerEvent): void => {
    if (this.#pull?.pointer !== event.pointerId) return
    this.#pull = null
    this.#show()
  }

  #show(x = 0, y = 0): void {
    this.#stick.hidden = this.#pull === null
    if (!this.#pull) return
    const short = Math.min(1, REACH_PX / Math.max(1, Math.hypot(x, y)))
    this.#stick.style.translate = `${this.#pull.x}px ${this.#pull.y}px`
    this.#knob.style.translate = `${x * short}px ${y * short}px`
  }
}
