/**
 * Everything that is written around the field. Decides what is shown when; how each part looks is
 * its own, and what is drawn on the field is the scene's. Names are text, never markup.
 */

import './hud.css'
import './actions.css'
import './scores.css'
import './settings.css'
import { html, nothing, render, type TemplateResult } from 'lit-html'
import { repeat } from 'lit-html/directives/repeat.js'
import type { Measures, RejectCode, View } from '../game'
import type { Input } from '../input'
import type { Look } from '../look'
import { type Choices, type Command, keyName } from '../preferences'
import type { Status } from '../room'
import { actionsPart } from './actions'
import { Feed } from './feed'
import { type Icon, icon } from './icons'
import { Minimap } from './minimap'
import { scoresPart } from './scores'
import { Settings } from './settings'
import { countsPart, infectionPart, matchPart, vitalsPart } from './status'
import { Watching } from './watching'
import { bannerOf, nameOf, namesOf, seconds, whyNot } from './words'

/** How long the moment lasts in which we are told that we have turned, in milliseconds. */
const TURNED_MS = 4_500
/** How long a passing word stays, in milliseconds. */
const SAID_MS = 2_200
/** How long the button says that it copied, in milliseconds. */
const COPIED_MS = 1_500
/** An answer that takes longer than this is shown to be waited for, in milliseconds. */
const SLOW_MS = 800

/** What the words need. */
export interface HudPorts {
  readonly root: HTMLElement
  readonly room: string
  readonly measures: Measures
  readonly input: Input
  readonly choices: Choices
  /** Whether nobody plays here: we only watch. */
  watches(): boolean
  /** Logs in who only watches for want of it; null: nothing to log in to. */
  login(): (() => void) | null
  /** Plays alone, as long as there is nothing else to play; null: it cannot be. */
  alone(): (() => void) | null
  /** Shows the account. */
  account(): void
  /** What the button that shares says. */
  readonly shares: string
  /** Hands out the room's address; whether it was copied without another word. */
  share(): Promise<boolean>
  /** Whether motion is reduced as things are. */
  calm(): boolean
  onReport(): void
  /** How much of each edge of the screen words cover, in CSS pixels. */
  onInset(inset: Inset): void
}

export interface Inset {
  top: number
  right: number
  bottom: number
  left: number
}

/** The words around the field. */
export class HudView {
  readonly #ports: HudPorts
  readonly #feed = new Feed()
  readonly #watching: Watching
  readonly #settings: Settings
  readonly #minimap: Minimap
  #status: Status = 'joining'
  #refusal: string | null = null
  #who = { name: '…', durable: true }
  #look: Look | null = null
  #opened = false
  #answered_ms = Number.POSITIVE_INFINITY
  #turned_ms = Number.NEGATIVE_INFINITY
  #said = { text: '', at_ms: Number.NEGATIVE_INFINITY }
  #copied_ms = Number.NEGATIVE_INFINITY

  constructor(ports: HudPorts) {
    this.#ports = ports
    const { choices, input, measures, room } = ports
    this.#watching = new Watching(measures.stride)
    this.#settings = new Settings({
      choices,
      calm: ports.calm,
      who: () => ({ ...this.#who, room }),
      shares: ports.shares,
      copy: () => this.#copy(),
      copied: () => performance.now() - this.#copied_ms < COPIED_MS,
      help: () => this.#show('help'),
      account: () => {
        document.querySelector<HTMLDialogElement>('#settings')?.close()
        ports.account()
      },
      changed: () => this.#render(),
    })
    choices.listen(() => {
      this.#render()
      this.#nameKeys()
    })
    this.#nameKeys()
    input.listen((command, down) => this.#command(command, down))
    addEventListener('keydown', this.#escape)
    // What a pointer pressed gives the keys back to the field, before a dialog remembers where they were.
    const release = ({ detail, target }: MouseEvent) => {
      const button = (target as Element).closest('button')
      if (detail > 0 && button && !button.closest('dialog')) button.blur()
    }
    ports.root.addEventListener('click', release, { capture: true })
    this.#render()
    this.#minimap = new Minimap(this.#part('#minimap'), measures)
    new ResizeObserver(() => this.#measure()).observe(ports.root)
    for (const selector of ['.bar', '.facts', '.foot'])
      new ResizeObserver(() => this.#measure()).observe(this.#part(selector))
  }

  /** Whom the camera follows: ourselves, or whom we watch; null: nobody. */
  get follow(): number | null {
    const view = this.#look?.view
    return view?.mine ? view.me : this.#watching.watched
  }

  /** How it goes. */
  status(status: Status, refusal: string | null): void {
    this.#status = status
    this.#refusal = refusal
    document.body.dataset.status = status
    this.#render()
  }

  /** Who we are; whether the browser keeps it. */
  introduce(name: string, durable: boolean): void {
    this.#who = { name, durable }
    this.#render()
  }

  /** The room at a tick. */
  show(look: Look, now_ms: number): void {
    const { view } = look
    if (!view) return
    const before = this.#look?.view
    if (before?.mine?.role === 'survivor' && view.mine?.role === 'turned' && view.hud.phase === 'playing') {
      this.#turned_ms = now_ms
    }
    this.#feed.hear(view, now_ms)
    this.#watching.look(look)
    this.#look = look
    document.body.dataset.phase = view.hud.phase
    this.#render()
  }

  /** Each animation frame: what moves. `pending`: actions without an answer. */
  frame(look: Look, pending: number, now_ms: number): void {
    if (pending === 0) this.#answered_ms = now_ms
    const waits = String(now_ms - this.#answered_ms > SLOW_MS)
    if (document.body.dataset.waits !== waits) document.body.dataset.waits = waits
    this.#minimap.draw(look, this.follow, this.#ports.calm(), now_ms)
  }

  /** An act of ours was not possible. */
  refused(act: 'strike' | 'heal' | 'lure', code: RejectCode): void {
    const text = whyNot(act, code)
    if (text !== '') this.say(text)
  }

  /** A passing word. */
  say(text: string): void {
    this.#said = { text, at_ms: performance.now() }
    this.#render()
  }

  /** What is told, for the console. */
  told(): string[] {
    return this.#feed.lines(performance.now()).map(({ text }) => text)
  }

  #render(): void {
    const view = this.#look?.view ?? null
    const { choices } = this.#ports
    document.body.dataset.role = view?.mine?.role ?? 'spectator'
    document.body.dataset.danger = String(view?.hud.phase === 'playing' && (view.mine?.infection_ms ?? 0) > 0)
    document.body.dataset.lefty = String(choices.now.lefty)
    document.body.dataset.calm = String(this.#ports.calm())
    render(html`${this.#field(view)} ${this.#settings.part()}`, this.#ports.root)
  }

  #field(view: View | null): TemplateResult {
    const { measures, input, choices } = this.#ports
    const now_ms = performance.now()
    const scores = view !== null && (view.hud.phase === 'over' || this.#opened || input.holds('scores'))
    const close = view?.hud.phase === 'over' ? null : () => this.#open(false)
    const [heal = ''] = choices.now.keys.heal.map(keyName)
    const acts = view?.mine && view.hud.phase === 'playing'
    return html`<div class="hud" data-scores=${scores}>
      <div class="vignette"></div>
      <div class="bar">
        ${view ? matchPart(view.hud) : html`<p class="panel match"><span id="phase">Contagion</span> <strong id="time"></strong></p>`}
        ${this.#tools()}
      </div>
      <div class="facts">
        ${view ? vitalsPart(view.mine, measures) : nothing}
        ${view ? countsPart(view.hud) : nothing}
      </div>
      <canvas id="minimap" class="map" role="img" aria-label="Map of the field"></canvas>
      <div class="alerts">
        ${this.#notice()}
        ${view ? infectionPart(view, measures, heal) : nothing}
        <p class="said" role="status">${now_ms - this.#said.at_ms < SAID_MS ? html`<span class="panel">${this.#said.text}</span>` : nothing}</p>
      </div>
      <ol class="feed" role="log" aria-live="polite" aria-label="What happens">
        ${repeat(
          this.#feed.lines(now_ms),
          ({ key }) => key,
          ({ text, what, mine }) => html`<li data-what=${what} data-mine=${mine}>${text}</li>`,
        )}
      </ol>
      ${view && !scores ? this.#moment(view, now_ms) : nothing}
      ${scores && view ? scoresPart(view, close) : nothing}
      <div class="foot">
        <p class="walk by-touch" ?hidden=${!acts}>${icon('walk')} Walk</p>
        ${view ? this.#spectator(view) : nothing}
        ${this.#invitation()}
        ${view?.mine && acts ? actionsPart(view.mine, measures, input, choices.now.keys) : nothing}
      </div>
    </div>`
  }

  #tools(): TemplateResult {
    const { choices } = this.#ports
    const { sound } = choices.now
    const here = this.#look?.view?.here.length ?? 0
    const tool = (name: Icon, label: string, press: () => void, more: unknown = nothing) =>
      html`<button type="button" aria-label=${label} title=${label} @click=${press}>${icon(name)}${more}</button>`
    return html`<nav class="tools" aria-label="Game">
      ${tool('scores', `Scores; ${here} here`, () => this.#open(!this.#opened), html`<span class="count" id="here-count">${here}</span>`)}
      ${tool(sound ? 'sound' : 'mute', sound ? 'Sound is on' : 'Sound is off', () => choices.change({ sound: !sound }))}
      ${tool('help', 'How to play', () => this.#show('help'))}
      ${tool('settings', 'Settings', () => this.#show('settings'))}
    </nav>`
  }

  #notice(): TemplateResult {
    const text = bannerOf(this.#status, this.#refusal)
    const reload = this.#status === 'desync' || this.#status === 'reload'
    const alone = this.#status === 'reconnecting' ? this.#ports.alone() : null
    return html`<div class="panel notice" role="status" ?hidden=${text === ''}>
      <span id="banner">${text}</span>
      ${this.#status === 'desync' ? html`<button type="button" @click=${this.#ports.onReport}>Save report</button>` : nothing}
      ${reload ? html`<button type="button" @click=${() => location.reload()}>Reload</button>` : nothing}
      ${alone ? html`<button id="alone-instead" type="button" @click=${alone}>Play alone</button>` : nothing}
    </div>`
  }

  #spectator(view: View): TemplateResult | typeof nothing {
    const { watched } = this.#watching
    const { phase } = view.hud
    const watches = this.#ports.watches()
    if (view.mine || (view.me === null && !watches) || (phase !== 'playing' && phase !== 'countdown')) return nothing
    const name = watched === null ? 'the field' : nameOf(namesOf(view), watched)
    return html`<div class="panel spectator">
      <button type="button" aria-label="Watch the one before" @click=${() => this.#turn(-1)}>${icon('before')}</button>
      <p>${watches ? 'You are watching' : 'All seats are taken: you are watching'} <strong>${name}</strong></p>
      <button type="button" aria-label="Watch the next" @click=${() => this.#turn(1)}>${icon('next')}</button>
    </div>`
  }

  #invitation(): TemplateResult | typeof nothing {
    const login = this.#ports.login()
    return login
      ? html`<button id="login" type="button" class="primary" @click=${login}>Log in to play</button>`
      : nothing
  }

  #moment({ hud, mine }: View, now_ms: number): TemplateResult | typeof nothing {
    if (hud.phase === 'countdown') {
      return html`<div class="moment"><p class="big" id="big" role="timer">${seconds(hud.ms_left)}</p>
        <p>${mine ? 'Get ready: stay human until rescue comes.' : 'The match is about to begin.'}</p>${this.#ports.watches() ? nothing : this.#reminder()}</div>`
    }
    if (hud.phase === 'idle') {
      return html`<div class="moment"><p class="big calm" id="big">Waiting for players</p><p>The match starts by itself.</p></div>`
    }
    // What is wrong with the connection goes first.
    if (
      this.#status === 'live' &&
      hud.phase === 'playing' &&
      mine?.role === 'turned' &&
      now_ms - this.#turned_ms < TURNED_MS
    ) {
      return html`<div class="moment band" role="alert"><p class="big calm turned" id="big">You have turned</p>
        <p>You play as a zombie now. Hunt the survivors.</p></div>`
    }
    return nothing
  }

  /** The keys, while there is time to read. */
  #reminder(): TemplateResult {
    const { keys } = this.#ports.choices.now
    const shown: [string, string][] = [
      ['Walk', (['up', 'left', 'down', 'right'] as const).map((way) => keyName(keys[way][0] ?? '')).join(' ')],
      ...(['strike', 'heal', 'lure'] as const).map((act): [string, string] => [act, keyName(keys[act][0] ?? '')]),
    ]
    return html`<p class="reminder by-key">${shown.map(([what, key]) => html`<span>${what} <kbd>${key}</kbd></span>`)}</p>
      <p class="reminder by-touch">Drag on the empty half to walk; the buttons strike, heal and lure.</p>`
  }

  #command(command: Command, down: boolean): void {
    if (command === 'scores') this.#render()
    if (!down) return
    if (command === 'mute') this.#ports.choices.change({ sound: !this.#ports.choices.now.sound })
    else if (command === 'help') this.#show('help')
    else if (!this.#look?.view?.mine && (command === 'left' || command === 'right')) {
      this.#turn(command === 'left' ? -1 : 1)
    }
  }

  /** The help names the keys that were chosen. */
  #nameKeys(): void {
    const { keys } = this.#ports.choices.now
    for (const kbd of document.querySelectorAll<HTMLElement>('#help kbd[data-keys]')) {
      const commands = (kbd.dataset.keys ?? '').split(' ') as Command[]
      const named =
        commands.length > 1
          ? commands.map((command) => keys[command].slice(0, 1))
          : commands.map((command) => keys[command])
      kbd.textContent =
        named
          .flat()
          .map(keyName)
          .join(commands.length > 1 ? ' ' : ' or ') || 'no key'
    }
  }

  /** Escape puts away what is open; with nothing open it opens the settings. */
  readonly #escape = (event: KeyboardEvent): void => {
    if (event.code !== 'Escape' || event.defaultPrevented || document.querySelector('dialog[open]')) return
    if (this.#opened) this.#open(false)
    else this.#show('settings')
  }

  #turn(by: 1 | -1): void {
    this.#watching.turn(by)
    this.#render()
  }

  #open(opened: boolean): void {
    this.#opened = opened
    this.#render()
    if (opened) this.#ports.root.querySelector('.scores [data-mine=true]')?.scrollIntoView({ block: 'nearest' })
  }

  #show(id: 'help' | 'settings'): void {
    for (const open of document.querySelectorAll<HTMLDialogElement>('dialog[open]')) open.close()
    const dialog = document.getElementById(id) as HTMLDialogElement | null
    dialog?.showModal()
  }

  #copy(): void {
    this.#ports
      .share()
      .then((copied) => {
        if (!copied) return
        this.#copied_ms = performance.now()
        this.#render()
        setTimeout(() => this.#render(), COPIED_MS + 50)
      })
      .catch((error: unknown) => console.error('baton: sharing failed', error))
  }

  /** Tells the scene where it should not put what matters. */
  #measure(): void {
    const { width, height } = this.#ports.root.getBoundingClientRect()
    const upright = height > width
    const { bottom: bar } = this.#part('.bar').getBoundingClientRect()
    const { bottom: facts } = this.#part('.facts').getBoundingClientRect()
    const { top: foot } = this.#part('.foot').getBoundingClientRect()
    // On its side a phone has the thumbs' buttons in the corners, where they cover little.
    const corners = !upright && 'touch' in document.body.dataset
    const [top, bottom] = [upright ? facts : bar, corners ? 0 : Math.max(0, height - foot)].map(Math.round)
    this.#ports.onInset({ top: top ?? 0, right: 0, bottom: bottom ?? 0, left: 0 })
  }

  #part<T extends HTMLElement>(selector: string): T {
    const found = this.#ports.root.querySelector<T>(selector)
    if (!found) throw new Error(`the page lacks ${selector}`)
    return found
  }
}
