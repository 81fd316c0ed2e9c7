/**
 * The account in a dialog: what there is, what is pending, what runs were paid, what there is to buy and to wear; and how a
 * run ended. Decides the words; what is bought or worn is the account's.
 */

import './account.css'
import { html, nothing, render, type TemplateResult } from 'lit-html'
import type { AccountCode, AccountState, AccountView, Judged, Purchase, Sold } from '../account'
import type { Result } from '../game'
import { portrait } from '../scene/looks'
import type { Gone } from '../underway'
import { icon } from './icons'
import { clock } from './words'

/** What became of a run of this page. */
export interface Ended {
  readonly result: Result
  readonly rescued: boolean
  /** With which seed; null: nobody pays for it. */
  readonly seed: string | null
}

/** What the dialog needs. */
export interface AccountPanelPorts {
  readonly root: HTMLDialogElement
  state(): AccountState | null
  buy(item: string): void
  /** With coins: the server does it, if there is a network. */
  purchase(item: string): void
  wear(look: number): void
  /** Back to the first screen. */
  leave(): void
}

/** Of a picture in the list, as it is shown twice as small. */
const PORTRAIT_PX = 80
const LOOKS = ['Red jacket', 'Blue jacket', 'Green jacket', 'Grey jacket', 'Raincoat', 'Welder', 'Nurse', 'Astronaut']
const GOALS: Record<string, string> = {
  first_match: 'A first match',
  first_rescue: 'A first rescue',
  ten_games: 'Ten games',
  hundred_games: 'A hundred games',
  hundred_struck: 'A hundred zombies struck',
  ten_cured: 'Ten others cured',
}
const BEFORE: Record<'goes on' | 'damaged' | Gone, string> = {
  'goes on': 'Your run goes on where it was.',
  handed_in: '',
  used: 'Your run was handed in before, maybe on another device: this is a new one.',
  expired: 'Your run is too old to be paid: this is a new one.',
  outdated: 'The game has changed since your run began: this is a new one.',
  damaged: 'Your run cannot be read any more: this is a new one.',
}
const FLAWS: Record<string, string> = {
  malformed: 'its record is damaged',
  refused: 'the rules do not allow what was done in it',
  too_late: 'something was done after its end',
  too_soon: 'it was handed in sooner than it takes to play it',
}
const REFUSALS: Partial<Record<AccountCode, string>> = {
  used_seed: 'a run with this seed was handed in before, maybe on another device',
  expired_seed: 'the run came too late',
  unknown_seed: 'the account does not know this run',
  owned: 'it is yours already',
  poor: 'there was not enough to pay for it',
  locked: 'you do not have this look',
  offline: 'there is no network',
  joining: 'the account has not begun on this device',
  halted: 'the account stands still until it is mended',
}

/**
 * What is said when a run begins: how it stands with the one before, and with pay. Empty if there is nothing to say. `known`:
 * whose account it would be.
 */
export function begunOf(before: 'goes on' | 'damaged' | Gone | null, paid: boolean, known: boolean): string {
  const words = before === null ? '' : BEFORE[before]
  const why = known ? 'there is no seed in hand' : 'the account is not open'
  return paid ? words : `${words} Nobody pays for this run: ${why}.`.trim()
}

/** How many runs are paid without network, and until when. */
export function seedsOf(seeds: AccountView['seeds'], now_ms: number): string {
  const fresh = seeds.map(({ until_ms }) => until_ms).filter((until_ms) => until_ms > now_ms)
  if (fresh.length > 0) {
    const day = new Date(Math.min(...fresh)).toLocaleDateString()
    return `${fresh.length} more ${fresh.length === 1 ? 'is' : 'are'} paid without network, if there is one again by ${day}.`
  }
  if (seeds.length > 0)
    return `It is long ago that there was a network: ${seeds.length} more may be too late to be paid.`
  return 'No more runs are paid until there is a network.'
}

/** What becomes of a run, in a sentence. */
export function paidOf({ seed }: Pick<Ended, 'seed'>, view: AccountView | null, kept: boolean): string {
  if (seed === null)
    return 'Nobody pays for this run: there was no seed in hand. The next visit to the network brings some.'
  const judged = view?.judged.find((judged) => judged.seed === seed)
  if (judged) return judgedOf(judged)
  const where = kept ? 'It is kept on this device' : 'It is kept until this page is closed'
  return `${where}, and paid when the server has replayed it.`
}

function judgedOf(judged: Judged): string {
  if ('flaw' in judged) return `Not paid: ${FLAWS[judged.flaw] ?? judged.flaw}.`
  return `Paid: ${judged.scrap} scrap for ${judged.score} points.`
}

/** What became of something that is bought with coins. */
export function purchaseOf({ code }: Purchase): string {
  if (code === null) return 'The server is asked.'
  if (code === 'unknown')
    return 'Nobody knows yet whether it was bought: as soon as there is a network, you see it here.'
  return `Not bought: ${REFUSALS[code] ?? code}.`
}

/** How current the account is; empty if there is nothing to say. */
export function currencyOf(state: AccountState | null): string {
  if (!state) return 'No account yet: it begins when there is a network.'
  if (state.refusal === 'device_limit')
    return 'This account has too many devices. What is done here is kept, and not sent.'
  if (state.refusal !== null) return 'The server refuses this account.'
  if (state.outdated) return 'There is a newer version. Reload the page.'
  const pending = state.pending === 1 ? 'One action waits' : `${state.pending} actions wait`
  if (state.pending > 0) return state.stale ? `${pending} for the network.` : `${pending} for the server.`
  return state.stale ? 'Without network: what you see is as of the last visit.' : ''
}

/** The dialog `#account`. */
export class AccountPanel {
  readonly #ports: AccountPanelPorts
  #ended: Ended | null = null
  readonly #portraits: HTMLCanvasElement[] = []
  /** Plays alone. */
  alone: () => void = () => undefined

  constructor(ports: AccountPanelPorts) {
    this.#ports = ports
    // After a run there is nothing behind it.
    ports.root.addEventListener('close', () => this.#ended && ports.leave())
  }

  /** Opens it, after a run with how that ended. */
  show(ended: Ended | null = null): void {
    this.#ended = ended
    this.render()
    if (!this.#ports.root.open) this.#ports.root.showModal()
  }

  close(): void {
    this.#ended = null
    this.#ports.root.close()
  }

  /** Draws what is open. */
  render(): void {
    const state = this.#ports.state()
    const view = state?.view ?? null
    const words = currencyOf(state)
    const ended = this.#ended
    render(
      html`<header>
          <h2 id="account-title">${ended ? (ended.rescued ? 'Rescued' : 'The night has you') : 'Account'}</h2>
          <form method="dialog"><button type="submit" class="close" aria-label="Close">${icon('close')}</button></form>
        </header>
        ${ended ? this.#result(ended, state) : nothing}
        ${view ? numbers(view) : nothing}
        <p class="note" role="status" id="account-note">${words}</p>
        ${state && !state.durable ? html`<p class="note warn">This browser keeps nothing: what is not sent is lost with the page.</p>` : nothing}
        ${state && state.evicted > 0 ? html`<p class="note warn">${state.evicted} actions have no answer, and may be lost: the account had forgotten this device.</p>` : nothing}
        ${state?.refused.map(({ code }) => html`<p class="note warn">Refused: ${REFUSALS[code] ?? code}.</p>`) ?? nothing}
        ${state?.purchase ? html`<p class="note ${state.purchase.code === null ? '' : 'warn'}" role="status" id="purchase-note">${purchaseOf(state.purchase)}</p>` : nothing}
        ${state && view && !ended ? this.#more(view, state) : nothing}
        <div class="go">
          <button type="button" class="primary" id="alone-again" @click=${this.alone}>${ended ? 'Play again' : 'Play alone'}</button>
          ${ended ? html`<button type="button" id="leave-run" @click=${this.#ports.leave}>Leave</button>` : nothing}
        </div>`,
      this.#ports.root,
    )
  }

  #result(ended: Ended, state: AccountState | null): TemplateResult {
    const { score, survived_ms, struck } = ended.result
    return html`<div class="result" role="alert">
      <p>${score} points: you lasted ${clock(survived_ms)} and struck ${struck}.</p>
      <p id="paid" data-seed=${ended.seed ?? ''}>${paidOf(ended, state?.view ?? null, state?.durable ?? false)}</p>
    </div>`
  }

  #more(view: AccountView, state: AccountState): TemplateResult {
    const runs = view.judged.slice(-3).reverse()
    return html`<h3>Runs</h3>
      <ul class="list">
        ${view.waiting.length > 0 ? html`<li>${view.waiting.length === 1 ? 'One run waits' : `${view.waiting.length} runs wait`} to be replayed.</li>` : nothing}
        ${runs.map((judged) => html`<li>${judgedOf(judged)}</li>`)}
        <li>${seedsOf(view.seeds, Date.now())}</li>
      </ul>
      <h3>Looks</h3>
      <p class="note">Only you see what you wear: to others you look like everybody on your side.</p>
      <ul class="list">${LOOKS.map((name, look) => this.#look(name, look, view, state))}</ul>
      <h3>Goals</h3>
      <ul class="list">${Object.entries(GOALS).map(
        ([goal, name]) =>
          html`<li>${name} <span class="soft">${view.goals.includes(goal) ? 'reached' : 'open'}</span></li>`,
      )}</ul>`
  }

  #look(name: string, look: number, view: AccountView, state: AccountState): TemplateResult {
    const sold = view.sold.find((sold) => sold.look === look)
    const owned = !sold || view.items.includes(sold.item)
    const action = owned
      ? html`<button type="button" aria-pressed=${view.look === look} ?disabled=${view.look === look} @click=${() => this.#ports.wear(look)}>
          ${view.look === look ? 'Worn' : 'Wear'}</button>`
      : this.#offer(sold, view, state)
    this.#portraits[look] ??= portrait(look, PORTRAIT_PX)
    return html`<li><span class="look">${this.#portraits[look]} ${name}</span> ${action}</li>`
  }

  #offer({ item, price, currency }: Sold, view: AccountView, { stale, purchase }: AccountState): TemplateResult {
    // Coins are spent where they are: at the server.
    if (currency === 'coins') {
      const off = view.coins < price || stale || purchase?.code === null
      return html`<button type="button" data-item=${item} ?disabled=${off} @click=${() => this.#ports.purchase(item)}>Buy for ${price} coins</button>`
    }
    return html`<button type="button" ?disabled=${view.scrap < price} @click=${() => this.#ports.buy(item)}>Buy for ${price} scrap</button>`
  }
}

function numbers({ coins, scrap, games, runs, matches }: AccountView): TemplateResult {
  const each = (name: string, id: string, value: number) =>
    html`<div><dt>${name}</dt><dd id="account-${id}">${value}</dd></div>`
  return html`<dl>
    ${each('Coins', 'coins', coins)} ${each('Scrap', 'scrap', scrap)} ${each('Games', 'games', games)}
    ${each('Best alone', 'best', runs.best)} ${each('Best together', 'best-match', matches.best)}
  </dl>`
}
