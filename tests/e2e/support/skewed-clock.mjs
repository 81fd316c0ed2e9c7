/**
 * Shifts what a process takes for the time of day by `SKEW_MS`, before its program begins (`node --import`). How fast its
 * clocks go stays.
 */

const skew_ms = Number(process.env.SKEW_MS)
const Right = Date

globalThis.Date = class Skewed extends Right {
  constructor(...given) {
    if (given.length > 0) super(...given)
    else super(Right.now() + skew_ms)
  }

  static now() {
    return Right.now() + skew_ms
  }
}
Object.defineProperty(performance, 'timeOrigin', { value: performance.timeOrigin + skew_ms })
