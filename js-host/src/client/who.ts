/**
 * Who plays in this tab: session, device and account, opened once and shared by all that the tab shows. Decides that there
 * is one of each; must not know what they are used for.
 */

import { ACCOUNT_QUEUE, Account, type AccountState } from './account'
import { type Device, leftDevices, takeDevice } from './device'
import type { Game } from './game'
import { type OpenLeft, tellLeft } from './left'
import { post } from './line'
import { forgetSession, openSession, type Session } from './session'
import { Bookmark } from './underway'

/** Somebody. */
export interface Who {
  readonly session: Session
  readonly device: Device
  readonly account: Account
  /** Of the run that is played alone. */
  readonly bookmark: Bookmark
}

/** Then a page that was just loaded again has its device back, and the first screen is through. */
const LEFT_AFTER_MS = 5_000

type Listener = (state: AccountState | null) => void

/** This tab's. */
export class Tab {
  readonly #game: Game
  readonly #listeners = new Set<Listener>()
  #who: Promise<Who> | null = null
  #opened: Who | null = null
  /** The host has refused the session. */
  #over = false

  constructor(game: Game) {
    this.#game = game
  }

  /** Hears of each change of the account. */
  listen(listener: Listener): void {
    this.#listeners.add(listener)
  }

  /** The account as it is; null as long as there is none. */
  get state(): AccountState | null {
    return this.#opened?.account.state ?? null
  }

  /** The same, and which version of it: for the console. */
  told(): (AccountState & { version: number; hash: string }) | null {
    const account = this.account
    return account && { ...account.state, version: account.version(), hash: account.hash() }
  }

  /** The account; null as long as there is none. */
  get account(): Account | null {
    return this.#opened?.account ?? null
  }

  /** Opens what is not open yet. @throws SessionError, NoGuests, TooManyTabs */
  open(): Promise<Who> {
    if (this.#over && this.#opened) this.forget(this.#opened)
    this.#who ??= this.#open().catch((error: unknown) => {
      this.#who = null
      throw error
    })
    return this.#who
  }

  /** The host does not take the session any more: the next one is another. */
  forget({ session, device, account }: Who): void {
    if (this.#opened?.session !== session) return
    account.close()
    forgetSession(session)
    device.release()
    this.#who = null
    this.#opened = null
    this.#over = false
    this.#tell()
  }

  async #open(): Promise<Who> {
    const session = await openSession()
    const device = await takeDevice(session.user, () => this.#game.instance.newDevice())
    const common = { instance: () => this.#game.another(), session, post }
    const account = await Account.open({
      ...common,
      device,
      onChange: () => this.#tell(),
      // Whoever is in a room with this session hears of it there.
      onSignedOut: () => {
        this.#over = true
      },
    })
    const open: OpenLeft = (left, heard) =>
      Account.open({ ...common, device: left, onChange: () => heard(), onSignedOut: () => heard(true) })
    const tell = () => tellLeft(leftDevices(session.user, ACCOUNT_QUEUE), open)
    setTimeout(() => tell().catch((error: unknown) => console.warn('baton: left devices', error)), LEFT_AFTER_MS)
    this.#opened = { session, device, account, bookmark: new Bookmark(device) }
    this.#tell()
    return this.#opened
  }

  #tell(): void {
    for (const listener of this.#listeners) listener(this.state)
  }
}
