/** The scheduler: asks for the tasks of `devvit.json` at the rate of their cron, where that is a plain one. */

import type { Task } from './devvit-json.ts'

/** How often a task that failed is asked for again: each is delivered at least once, if it can be. */
const RETRIES = 2

/** How many seconds a cron of five or six fields means, if it means every so many seconds or minutes. */
export function periodOf(cron: string): number | undefined {
  const fields = cron.trim().split(/\s+/)
  const [second = '', minute = '', ...rest] = fields.length === 5 ? ['0', ...fields] : fields
  if (rest.length !== 4 || rest.some((field) => field !== '*')) return undefined
  if (minute === '*' && second !== '0') return every(second)
  const minutes = second === '0' ? every(minute) : undefined
  return minutes === undefined ? undefined : 60 * minutes
}

function every(field: string): number | undefined {
  if (field === '*') return 1
  const [, step] = /^\*\/(\d+)$/.exec(field) ?? []
  return step && Number(step) > 0 ? Number(step) : undefined
}

export class Schedule {
  /** What is done with each task, in words. */
  readonly says: Record<string, string>
  readonly #timers: NodeJS.Timeout[] = []

  /**
   * @param deliver asks the app for a task, and says whether it took it
   * @param twice whether a delivery happens a second time
   */
  constructor(tasks: Record<string, Task>, deliver: (name: string) => Promise<boolean>, twice: () => boolean) {
    this.says = Object.fromEntries(
      Object.entries(tasks).map(([name, { cron }]) => {
        const period_s = cron === undefined ? undefined : periodOf(cron)
        if (period_s === undefined) return [name, cron ? `not run: "${cron}" is not emulated` : 'run when asked']
        const due = () => {
          for (let time = twice() ? 2 : 1; time > 0; time--) void attempt(name, deliver)
        }
        this.#timers.push(setInterval(due, 1_000 * period_s))
        return [name, `every ${period_s} s`]
      }),
    )
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer)
  }
}

async function attempt(name: string, deliver: (name: string) => Promise<boolean>): Promise<void> {
  for (let times = 0; times <= RETRIES; times++) {
    if (await deliver(name).catch(() => false)) return
  }
}
