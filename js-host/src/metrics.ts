/**
 * What a host counts and measures, in the text that Prometheus reads. Decides names, units and help; counts nothing
 * itself. Times are in seconds, as there.
 */

import type { Counters } from './driver'

/** The names of the counters, without `baton_` before and `_total` after them. */
const HELP: Record<keyof Counters, string> = {
  requests: 'Requests that were answered.',
  invocations: 'Invocations of the handler.',
  led: 'Frames appended: this process led.',
  followed: 'Pushes into an inbox: this process followed.',
  lost: 'Appends that another frame came before.',
  unknown: 'Appends whose outcome is unknown.',
  traps: 'Traps of the wasm.',
  delivered: 'Deliveries to other rooms that were answered.',
}

/** A value. */
export interface Metric {
  /** Without `baton_` before it. */
  name: string
  help: string
  value: number
}

/** Values by how large they were. */
export interface Distribution {
  /** Without `baton_` before it; with the unit at its end. */
  name: string
  help: string
  histogram: Histogram
}

/** How many values were at most each of some bounds. */
export class Histogram {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0

  /** `bounds`: rising. Above the last there is one more range. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = [...bounds, 0].map(() => 0)
  }

  observe(value: number): void {
    const at = this.#bounds.findIndex((bound) => value <= bound)
    const range = at < 0 ? this.#bounds.length : at
    this.#counts[range] = (this.#counts[range] ?? 0) + 1
    this.#sum += value
  }

  /** The samples of a metric of this name. */
  samples(name: string): string {
    let count = 0
    const buckets = this.#counts.map((each, range) => {
      count += each
      return `${name}_bucket{le="${this.#bounds[range] ?? '+Inf'}"} ${count}\n`
    })
    return `${buckets.join('')}${name}_sum ${this.#sum}\n${name}_count ${count}\n`
  }
}

/** What there is to tell. */
export interface Metrics {
  counters: Counters
  /** Counters beside those, whose values only rise. */
  more: Metric[]
  /** Values that may fall. */
  gauges: Metric[]
  distributions: Distribution[]
}

/** The whole text. */
export function metricsText({ counters, more, gauges, distributions }: Metrics): string {
  const counted = Object.entries(HELP).map(([name, help]) => ({ name, help, value: counters[name as keyof Counters] }))
  return [
    ...[...counted, ...more].map(({ name, help, value }) => single(`baton_${name}_total`, 'counter', help, value)),
    ...gauges.map(({ name, help, value }) => single(`baton_${name}`, 'gauge', help, value)),
    ...distributions.map(({ name, help, histogram }) => {
      const full = `baton_${name}`
      return head(full, 'histogram', help) + histogram.samples(full)
    }),
  ].join('')
}

function single(name: string, type: string, help: string, value: number): string {
  return `${head(name, type, help)}${name} ${value}\n`
}

function head(name: string, type: string, help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
}
