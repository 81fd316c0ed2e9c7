/** Waiting, but not for ever. */

/** What `work` yields, or a throw after `limit_ms`. The work itself goes on; its outcome is then unknown. */
export async function within<T>(limit_ms: number, work: Promise<T>): Promise<T> {
  let stop = () => {}
  const late = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${limit_ms} ms`)), limit_ms)
    stop = () => clearTimeout(timer)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    stop()
  }
}
