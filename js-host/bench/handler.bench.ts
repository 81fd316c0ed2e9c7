/** Runs `handler.ts` by way of vite, which knows how modules of the host find each other. */
import { runnerImport } from 'vite'

const { module } = await runnerImport<{ run(): Promise<void> }>(`${import.meta.dirname}/handler.ts`)
await module.run()
