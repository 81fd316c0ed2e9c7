/** What a host counts, in the text that Prometheus reads. Decides names and help; counts nothing itself. */

import type { Counters } from './driver'

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

/** A value that may fall. */
export interface Gauge {
  name: string
  help: string
  value: number
}

/** The whole text. */
export function metricsText(counters: Counters, gauges: Gauge[]): string {
  const counted = Object.entries(HELP).map(([name, help]) =>
    lines(`baton_${name}_total`, 'counter', help, counters[name as keyof Counters]),
  )
  const measured = gauges.map(({ name, help, value }) => lines(`baton_${name}`, 'gauge', help, value))
  return [...counted, ...measured].join('')
}

function lines(name: string, type: string, help: string, value: number): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`
}
