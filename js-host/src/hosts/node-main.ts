/**
 * The program of the Node host: `node server.mjs [--store memory|redis://…] [--host …] [--port …] [--metrics-port …] [--push on|off]`.
 * What is not given is taken from `BATON_STORE`, `BATON_HOST`, `BATON_PORT`, `BATON_METRICS_PORT`, `BATON_PUSH`. SIGTERM and Ctrl-C
 * stop it when it has answered what it has.
 */

import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { facesOfFile } from '../load/wasm-node'
import { log } from '../log'
import { SettingError, trouble } from '../settings'
import { startNode } from './node'

const { env } = process
const text = { type: 'string' } as const

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { store: text, host: text, port: text, 'metrics-port': text, push: text } })
  const metrics = values['metrics-port'] ?? env.BATON_METRICS_PORT
  const host = await startNode({
    hostname: values.host ?? env.BATON_HOST ?? '127.0.0.1',
    port: portOf(values.port ?? env.BATON_PORT ?? '8787'),
    push: onOrOff(values.push ?? env.BATON_PUSH ?? 'on'),
    metrics_port: metrics === undefined ? null : portOf(metrics),
    environment: values.store === undefined ? env : { ...env, BATON_STORE: values.store },
    page: fileURLToPath(new URL('../page', import.meta.url)),
    makeFace: facesOfFile(new URL('server.wasm', import.meta.url)),
  })
  log('info', 'listening', {
    port: host.port,
    ...(host.metrics_port === null ? {} : { metrics_port: host.metrics_port }),
  })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      void host.stop().then(() => process.exit(0))
    })
  }
}

function onOrOff(given: string): boolean {
  if (given !== 'on' && given !== 'off') throw new SettingError('push is neither on nor off')
  return given === 'on'
}

function portOf(given: string): number {
  const port = Number(given)
  if (!/^\d{1,5}$/.test(given) || port > 65_535) throw new SettingError('a port is not 0 to 65535')
  return port
}

main().catch((error: unknown) => {
  log('error', 'misconfigured', trouble(error))
  process.exitCode = 1
})
