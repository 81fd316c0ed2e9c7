/** Figures as `cargo xtask bench` reads them: one JSON line each. Decides nothing about what is measured. */

/** A figure to know, without an aim. */
export function plain(name: string, value: number, unit: string): void {
  print({ name, value, unit, aim: null, ok: null })
}

/** A figure that should not exceed its aim. */
export function atMost(name: string, value: number, unit: string, aim: number): void {
  print({ name, value, unit, aim, ok: value <= aim })
}

/** A figure that should not be below its aim. */
export function atLeast(name: string, value: number, unit: string, aim: number): void {
  print({ name, value, unit, aim, ok: value >= aim })
}

/** A figure beside what a peer did in the same run; it should be at least `share` of it. */
export function besidePeer(name: string, value: number, unit: string, peer: number, share: number): void {
  const aim = peer * share
  print({ name: `${name} (aim: ${share} x bare)`, value, unit, aim, ok: value >= aim })
}

/** The middle of some samples. */
export function median(samples: number[]): number {
  return percentile(samples, 50)
}

/** What so many percent of the samples are below. */
export function percentile(samples: number[], percent: number): number {
  const sorted = [...samples].sort((one, other) => one - other)
  return sorted[Math.floor((sorted.length * percent) / 100)] ?? Number.NaN
}

/** From the lowest to the highest, for people. */
export function spread(samples: number[]): string {
  return `${Math.min(...samples).toFixed(0)} to ${Math.max(...samples).toFixed(0)}`
}

/** The same for ratios. */
export function hundredths(samples: number[]): string {
  return `${Math.min(...samples).toFixed(2)} to ${Math.max(...samples).toFixed(2)}`
}

function print(figure: object): void {
  console.log(JSON.stringify(figure))
}
