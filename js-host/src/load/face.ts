/**
 * The wasm face of the handler, and what to do when it traps: a trapped instance is poisoned (held
 * borrows, a leaked shadow stack), so it is dropped and a new one is made. Decides when an instance
 * is new; must not know how a host finds the wasm, nor what the bytes mean.
 */

/** One invocation of the handler. */
export interface Steps {
  /** Empty the first time, then the result of the effect it asked for; returns the next effect. */
  resume(result: Uint8Array): Uint8Array
  free(): void
}

/** What an instance of the wasm exports. */
export interface Face {
  /** @throws with a message for people on a bad setting. */
  configure(settings: string): void
  kinds(): string[]
  /** Of these, the kinds whose rooms are users' own. */
  personalKinds(): string[]
  /** How many rooms are warm. */
  warmRooms(): number
  /**
   * `noted` is given if these arrivals were in an invocation that ended with its instance. If it `trapped`, this one
   * leads nothing, and `noted` is what that one had noted right before (empty: nothing); else something else trapped
   * the instance, and it is what that one had noted last.
   */
  Invocation: new (
    kind: string,
    room: string,
    arrivals: Uint8Array,
    noted?: Uint8Array,
    trapped?: boolean,
  ) => Steps
}

/** The wasm trapped, or its bytes make no sense: the instance must not be used again. */
export class Trapped extends Error {
  override readonly name = 'Trapped'
  /** What the invocation had noted just before; empty if nothing. */
  noted: Uint8Array = new Uint8Array()
}

/** The one live instance of an isolate. */
export class Faces<F extends Face = Face> {
  readonly #make: () => F
  readonly #settings: string
  #current: F | null = null
  /** How many instances were dropped. */
  drops = 0

  /** `make` must give an instance that shares nothing with those before. `settings`: JSON for `configure`. */
  constructor(make: () => F, settings: string) {
    this.#make = make
    this.#settings = settings
  }

  /** The live instance, made if there is none. @throws on a bad setting */
  current(): F {
    if (this.#current) return this.#current
    const face = this.#make()
    face.configure(this.#settings)
    this.#current = face
    return face
  }

  /** How many rooms are warm; none before an instance was made. */
  warmRooms(): number {
    const face = this.#current
    return face ? this.guard(face, () => face.warmRooms()) : 0
  }

  /** Whether this instance is the live one. */
  holds(face: Face): boolean {
    return this.#current === face
  }

  /** Drops a poisoned instance. Whoever else used it finds out by {@link holds} and begins again. */
  drop(face: Face): void {
    if (this.#current !== face) return
    this.#current = null
    this.drops += 1
  }

  /** Calls into the wasm. @throws Trapped, and the instance is dropped, whatever was thrown. */
  guard<T>(face: Face, call: () => T): T {
    try {
      return call()
    } catch (error) {
      this.drop(face)
      // The message of a trap is the engine's own; a panic's text never leaves the wasm.
      throw new Trapped(error instanceof Error ? `${error.name}: ${error.message}` : 'unknown', { cause: error })
    }
  }
}
