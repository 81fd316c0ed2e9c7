/**
 * What a process of the app loads first: `node --import ./preload.ts dist/server/index.cjs`, with its settings in the
 * environment (`BATON_LOCAL_REDIS`, `BATON_LOCAL_CONFIG`, `BATON_LOCAL_URL`, `BATON_LOCAL_FAULTS`). Obeys the process
 * that forked it: faults to change, calls to report.
 */

import { Server } from 'node:net'
import { readConfiguration } from './devvit-json.ts'
import { parseFaults } from './faults.ts'
import { install } from './install.ts'
import type { Calls } from './rpc.ts'

export type ToProcess = { type: 'faults'; faults: object } | { type: 'calls'; id: number }
export type FromProcess = { type: 'calls'; id: number; calls: Calls }

const { BATON_LOCAL_REDIS, BATON_LOCAL_CONFIG, BATON_LOCAL_URL = '', BATON_LOCAL_FAULTS = '{}' } = process.env
if (!BATON_LOCAL_REDIS || !BATON_LOCAL_CONFIG) throw new Error('BATON_LOCAL_REDIS and BATON_LOCAL_CONFIG are needed')

// Of this machine only: the gateway alone says who somebody is.
const { listen } = Server.prototype
Server.prototype.listen = function (this: Server, ...words: unknown[]) {
  const [port, ...rest] = words
  return typeof port === 'number' && typeof rest[0] !== 'string'
    ? Reflect.apply(listen, this, [port, '127.0.0.1', ...rest])
    : Reflect.apply(listen, this, words)
} as typeof listen

const { rpc } = await install({
  redis: BATON_LOCAL_REDIS,
  app: readConfiguration(BATON_LOCAL_CONFIG),
  url: BATON_LOCAL_URL,
  faults: parseFaults(JSON.parse(BATON_LOCAL_FAULTS)),
})

process.on('message', (message: ToProcess) => {
  if (message.type === 'faults') rpc.trouble.change(parseFaults(message.faults))
  if (message.type === 'calls') process.send?.({ type: 'calls', id: message.id, calls: rpc.calls() } as FromProcess)
})
// Whoever forked it is gone.
process.on('disconnect', () => process.exit())
