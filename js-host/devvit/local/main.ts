/**
 * The local Devvit for a developer: `node main.ts <port> <instances>`, of the app of `../devvit.json`, which is built.
 * Faults from `BATON_LOCAL_FAULTS`. Ends all that it started when it is ended.
 */

import { parseFaults } from './faults.ts'
import { startLocal } from './local.ts'

const [port = 8788, instances = 2] = process.argv.slice(2).map(Number)
const faults = parseFaults(JSON.parse(process.env.BATON_LOCAL_FAULTS ?? '{}'))
const starting = startLocal({ port, instances, faults })
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    // Also in the middle of its start: what has been started by then would outlive it.
    void starting.then((local) => local.stop()).finally(() => process.exit(0))
  })
}
const local = await starting
console.info(JSON.stringify({ event: 'ready', port: local.port }))
