/**
 * A stick under a finger that appears where it comes down, and the mouse that pulls likewise.
 * Decides where it may begin and how far it is pulled; must not know what that means.
 */

/** A finger nearer to where it came down than this, in CSS pixels, stands still. */
const DEAD_PX = 14
/** How far the knob is drawn from its middle, at most, in CSS pixels. */
const REACH_PX = 46

/** A stick that floats on a surface. */
export class Stick {
  readonly #surface: HTMLElement
  readonly #ring: HTMLElement
  readonly #knob: HTMLElement
  readonly #lefty: () => boolean
  #from: { pointer: number; x: number; y: number } | null = null
  #pull: readonly [number, number] | null = null

  /** Fingers begin on the left half, or on the right one for the left-handed; the mouse anywhere. */
  constructor(surface: HTMLElement, ring: HTMLElement, knob: HTMLElement, lefty: () => boolean) {
    this.#surface = surface
    this.#ring = ring
    this.#knob = knob
    this.#lefty = lefty
    surface.addEventListener('pointerdown', this.#touch)
    surface.addEventListener('pointermove', this.#drag)
    for (const end of ['pointerup', 'pointercancel', 'lostpointercapture'] as const) {
      surface.addEventListener(end, this.#lift)
    }
  }

  /** Whether a finger or the mouse has it. */
  get held(): boolean {
    return this.#from !== null
  }

  /** Where it is pulled to, in CSS pixels; null if it is not. */
  get pull(): readonly [number, number] | null {
    return this.#pull
  }

  release(): void {
    this.#from = null
    this.#pull = null
    this.#show()
  }

  #mayBegin({ pointerType, button, clientX }: PointerEvent): boolean {
    if (pointerType === 'mouse') return button === 0
    const { left, width } = this.#surface.getBoundingClientRect()
    return clientX < left + width / 2 !== this.#lefty()
  }

  readonly #touch = (event: PointerEvent): void => {
    if (this.#from || !this.#mayBegin(event)) return
    this.#surface.setPointerCapture(event.pointerId)
    this.#from = { pointer: event.pointerId, x: event.clientX, y: event.clientY }
    this.#show()
  }

  readonly #drag = (event: PointerEvent): void => {
    if (this.#from?.pointer !== event.pointerId) return
    const [x, y] = [event.clientX - this.#from.x, event.clientY - this.#from.y]
    this.#pull = Math.hypot(x, y) < DEAD_PX ? null : [x, y]
    this.#show(x, y)
  }

  readonly #lift = (event: PointerEvent): void => {
    if (this.#from?.pointer === event.pointerId) this.release()
  }

  #show(x = 0, y = 0): void {
    this.#ring.hidden = this.#from === null
    if (!this.#from) return
    const short = Math.min(1, REACH_PX / Math.max(1, Math.hypot(x, y)))
    this.#ring.style.translate = `${this.#from.x}px ${this.#from.y}px`
    this.#knob.style.translate = `${x * short}px ${y * short}px`
  }
}
