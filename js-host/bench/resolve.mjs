/** Lets Node find `./codec` as `./codec.ts`, as the bundlers do. `cargo xtask bench` imports it before each bench. */
import { registerHooks } from 'node:module'

registerHooks({
  resolve(specifier, context, next) {
    try {
      return next(specifier, context)
    } catch (error) {
      if (!specifier.startsWith('.')) throw error
      return next(`${specifier}.ts`, context)
    }
  },
})
