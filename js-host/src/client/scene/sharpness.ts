/**
 * How many pixels of its own the picture has per CSS pixel. Decides to have fewer where the
 * machine is too slow for all: a smooth picture is better than a sharp one. Knows only frame times.
 */

/** Screens with more than this are drawn as if they had these; slow machines go down, step by step. */
const STEPS = [2, 1.5, 1, 0.75]
/** Frames are looked at for so long; if they took longer than this on average, that is too slow. */
const WATCH_MS = 2_400
const SLOW_MS = 27
/** A longer pause is no frame: the page was hidden, or something was loaded. */
const PAUSE_MS = 400

/** Watches how long frames take. */
export class Sharpness {
  #step = 0
  #last_ms: number | null = null
  #frames = 0
  #sum_ms = 0

  /** A frame is drawn: the pixels it should have per CSS pixel, on a screen with `screen` of them. */
  ratio(screen: number, now_ms: number): number {
    const past_ms = this.#last_ms === null ? 0 : now_ms - this.#last_ms
    this.#last_ms = now_ms
    // Steps that change nothing on this screen are passed over.
    while ((STEPS[this.#step + 1] ?? 0) >= screen) this.#step += 1
    if (past_ms > 0 && past_ms < PAUSE_MS) {
      this.#frames += 1
      this.#sum_ms += past_ms
    }
    if (this.#sum_ms >= WATCH_MS) {
      if (this.#sum_ms / this.#frames > SLOW_MS) this.#step = Math.min(this.#step + 1, STEPS.length - 1)
      this.#frames = 0
      this.#sum_ms = 0
    }
    return Math.min(screen, STEPS[this.#step] ?? 1)
  }
}
