/**
 * The run that is under way, as a device keeps it while it is played: a tab that is killed loses a second of it. Decides
 * when it is written, whether it may go on, and when it is forgotten; must not know how a run is played or shown.
 *
 * A record is worth nothing by itself: what is handed in is seed and inputs, which the server replays.
 */

import { bool, bytes, CodecError, decode, encode, struct, text, u32 } from '../codec'
import type { Account, AccountView } from './account'
import type { Device } from './device'

/** What it is called among a device's queues: no room has this name. */
const NAME = 'run:alone'
/** From one writing to the next, in milliseconds. */
const PAUSE_MS = 1_000
/** There is none. */
const NONE = new Uint8Array()

/** A run that is under way. */
export interface Underway {
  /** Of which rules it is. */
  rules: string
  seed: string
  /** Whether the seed was in hand: then somebody pays. */
  paid: boolean
  /** Ticks that have passed. */
  tick: number
  /** What the player did. */
  inputs: Uint8Array
}

const underway = struct<Underway>({ rules: text, seed: text, paid: bool, tick: u32, inputs: bytes })

/** Why a run that was under way does not go on. */
export type Gone =
  /** It was handed in before its tab was gone. */
  | 'handed_in'
  /** Its seed was used on another device. */
  | 'used'
  /** Its seed is too old, or the account does not know it. */
  | 'expired'
  /** It was begun by other rules. */
  | 'outdated'

/** Whether a run may go on; else why not. What is not known of the account speaks for it: the server has the last word. */
export function goneOf(run: Underway, rules: string, view: AccountView | null): Gone | null {
  if (run.rules !== rules) return 'outdated'
  if (!run.paid || !view || view.seeds.some(({ seed }) => seed === run.seed)) return null
  if (view.waiting.includes(run.seed)) return 'handed_in'
  if (view.judged.some(({ seed }) => seed === run.seed)) return 'used'
  // A device that has no number yet is shown no seeds.
  return view.seeds.length > 0 ? 'expired' : null
}

/** What keeps it. */
type Kept = Pick<Device, 'loadQueue' | 'saveQueue' | 'adopt' | 'durable'>

/** What is kept of a device's run: one, the last. */
export class Bookmark {
  readonly #device: Kept
  #next: (() => Underway) | null = null
  #timer: ReturnType<typeof setTimeout> | undefined
  #writing: Promise<void> = Promise.resolve()
  /** Whose record is on disk, or on its way there. */
  #seed: string | null = null
  #owed: Underway | null = null

  constructor(device: Kept) {
    this.#device = device
  }

  /** What is over and was not taken by the account: until it is, nothing else is kept here. */
  get owed(): Underway | null {
    return this.#owed
  }

  /** What was under way when the device's last page was gone; else what another tab of this browser left behind. */
  async read(): Promise<Underway | null> {
    const own = await this.#device.loadQueue(NAME)
    const kept = own?.length ? own : await this.#device.adopt(NAME)
    if (!kept) return null
    try {
      const run = decode(underway, kept)
      this.#seed = run.seed
      return run
    } catch (error) {
      if (!(error instanceof CodecError)) throw error
      console.warn('baton: the record of a run is damaged', error)
      return null
    }
  }

  /** The run goes on. `read`: as it is when it is written, which is soon, and at most once a second. */
  note(read: () => Underway): void {
    if (this.#owed) return
    this.#next = read
    this.#timer ??= setTimeout(() => void this.write(), PAUSE_MS)
  }

  /** Writes what was noted, at once: the page may be gone in a moment. Resolves when it is written. */
  write(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const run = this.#next?.()
    this.#next = null
    if (!run) return this.#writing
    this.#seed = run.seed
    return this.#save(encode(underway, run))
  }

  /** The run with this seed need not be kept any more. Another one is. */
  forget(seed: string): Promise<void> {
    if (this.#next?.().seed === seed) {
      clearTimeout(this.#timer)
      this.#timer = undefined
      this.#next = null
    }
    if (this.#seed !== seed) return this.#writing
    this.#seed = null
    // Where the disk is full, what took its place is in memory alone, and this may be the only copy that outlives the page.
    return this.#device.durable ? this.#save(NONE) : this.#writing
  }

  /** The account has taken a run, or has not. */
  owe(run: Underway, taken: boolean): Promise<void> {
    if (!taken) this.#owed ??= run
    else if (this.#owed?.seed === run.seed) this.#owed = null
    return taken ? this.forget(run.seed) : this.#writing
  }

  /** One after the other, so that the last one is what stays. */
  #save(kept: Uint8Array): Promise<void> {
    this.#writing = this.#writing.then(() => this.#device.saveQueue(NAME, kept))
    return this.#writing
  }
}

/**
 * Hands in a run that is over. Its record goes when the queue on disk has it, and not before; if the page is gone in between,
 * both are there, and the seed is used once. Resolves when that is done, or will not be: what the account does not take stays
 * as it is and is {@link Bookmark.owed}, to be handed in again; the next page tries as well, or says why not.
 */
export async function handIn(account: Pick<Account, 'run'>, bookmark: Bookmark, run: Underway): Promise<void> {
  bookmark.note(() => run)
  void bookmark.write()
  const { kept } = account.run(run.seed, run.inputs)
  const taken = await kept.then(
    () => true,
    () => false,
  )
  await bookmark.owe(run, taken)
}
