/**
 * Lets Node find `./codec` as `./codec.ts`, and what is built as `.js`, as the bundlers do, and a package from a file of
 * `tests/`, as vitest does.
 * `cargo xtask bench` imports it before each bench.
 */
import { registerHooks } from 'node:module'

registerHooks({
  resolve(specifier, context, next) {
    try {
      return next(specifier, context)
    } catch (error) {
      if (specifier.startsWith('.')) return next(`${specifier}${/\/dist\//.test(specifier) ? '.js' : '.ts'}`, context)
      if (context.parentURL?.includes('/tests/')) return next(specifier, { ...context, parentURL: import.meta.url })
      throw error
    }
  },
})
