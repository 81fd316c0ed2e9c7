/** A tiny wasm face whose behaviour a test writes, so that the driver is tried without the handler. */

import { decode, encode } from '../src/codec'
import { type Arrival, arrivals, type Effect, effect, type Fed, fed, nothing, type Outcome } from '../src/effect'
import { type Face, Faces, type Steps } from '../src/load/face'

/** What an invocation does, as a generator: it yields effects and is given their results. */
export type Play = (
  batch: Arrival[],
  room: string,
  kind: string,
  trap?: Uint8Array,
  dropped?: Uint8Array,
) => Generator<Effect, Outcome[], Fed>

/** Instances of a fake wasm. `made` counts them; `live` is how many invocations were not freed. */
export class FakeWasm {
  made = 0
  live = 0
  readonly settings: string[] = []
  readonly faces: Faces

  constructor(play: Play) {
    this.faces = new Faces(() => this.#make(play), '{}')
  }

  #make(play: Play): Face {
    this.made += 1
    const wasm = this
    /** After a trap everything in the instance traps: nobody may touch it. */
    let poisoned = false
    const guarded = <T>(call: () => T): T => {
      if (poisoned) throw new WebAssembly.RuntimeError('a poisoned instance was used')
      try {
        return call()
      } catch (error) {
        poisoned = true
        throw error
      }
    }
    class Invocation implements Steps {
      readonly #run: Generator<Effect, Outcome[], Fed>
      #first = true

      constructor(kind: string, room: string, batch: Uint8Array, noted?: Uint8Array, trapped?: boolean) {
        const [trap, dropped] = trapped ? [noted] : [undefined, noted]
        this.#run = guarded(() => play(decode(arrivals, batch), room, kind, trap, dropped))
        wasm.live += 1
      }

      resume(result: Uint8Array): Uint8Array {
        return guarded(() => {
          const step = this.#first ? this.#run.next() : this.#run.next(decode(fed, result))
          this.#first = false
          return encode(effect, step.done ? { tag: 'reply', outcomes: step.value } : step.value)
        })
      }

      free(): void {
        guarded(() => {
          wasm.live -= 1
        })
      }
    }
    return {
      configure: (settings) => {
        this.settings.push(settings)
      },
      kinds: () => ['dots', 'plain', 'purse'],
      personalKinds: () => ['purse'],
      warmRooms: () => 0,
      Invocation,
    }
  }
}

export const ROOM = 'room'

export function trap(): never {
  throw new WebAssembly.RuntimeError('unreachable')
}

/** A read that wants nothing in particular. */
export const readNothing: Effect = { tag: 'read', read: { known: nothing(), since: 0, block: null } }

/** An arrival that carries a text. */
export function says(text: string): Arrival {
  return { who: null, call: { tag: 'play', request: new TextEncoder().encode(text) } }
}

/** The text of an arrival. */
export function textOf({ call }: Arrival): string {
  return call.tag === 'play' ? new TextDecoder().decode(call.request) : call.tag
}

/** An outcome that carries a text. */
export function ok(text: string): Outcome {
  return { status: 200, content: 'json', body: new TextEncoder().encode(text) }
}

/** Status and body of an outcome. */
export function seen({ status, body }: Outcome): string {
  const text = new TextDecoder().decode(body)
  const code = /"code":"(\w+)"/.exec(text)?.[1]
  return `${status} ${code ?? text}`
}
