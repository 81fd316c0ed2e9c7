/**
 * The settings: sound, motion, hands, keys, and the link of the room. Decides how a choice is made;
 * what it changes listens to the choices.
 */

import { html, nothing, type TemplateResult } from 'lit-html'
import { type Choices, COMMANDS, type Command, DEFAULTS, keyName } from '../preferences'
import { icon } from './icons'

const LABELS: Record<Command, string> = {
  up: 'Walk up',
  left: 'Walk left',
  down: 'Walk down',
  right: 'Walk right',
  strike: 'Strike',
  heal: 'Heal',
  lure: 'Lure',
  scores: 'Scores (hold)',
  mute: 'Sound',
  help: 'How to play',
}

/** What the dialog shows beside the choices. */
export interface SettingsPorts {
  readonly choices: Choices
  /** Whether motion is reduced as things are. */
  calm(): boolean
  /** Who we are, and where. */
  who(): { name: string; room: string; durable: boolean }
  /** What the button that shares says. */
  readonly shares: string
  copy(): void
  copied(): boolean
  help(): void
  account(): void
  /** Something changed: draw again. */
  changed(): void
}

/** The dialog's content, and the key that is waited for. */
export class Settings {
  readonly #ports: SettingsPorts
  #asks: Command | null = null

  constructor(ports: SettingsPorts) {
    this.#ports = ports
  }

  part(): TemplateResult {
    const { choices, calm, who, shares, copy, copied, help, account } = this.#ports
    const { sound, lefty } = choices.now
    const { name, room, durable } = who()
    return html`<dialog id="settings" class="settings" closedby="any" aria-labelledby="settings-title" @close=${() => this.#ask(null)} @keydown=${this.#key}>
      <header>
        <h2 id="settings-title">Settings</h2>
        <form method="dialog"><button type="submit" class="close" aria-label="Close">${icon('close')}</button></form>
      </header>
      <div class="switches">
        ${toggle('Sound', 'Off until you ask for it.', sound, (on) => choices.change({ sound: on }))}
        ${toggle('Reduced motion', 'No shake, no flashes.', calm(), (on) => choices.change({ calm: on }))}
        ${toggle('Left-handed', 'Buttons left, stick right.', lefty, (on) => choices.change({ lefty: on }))}
      </div>
      <h3 class="by-key">Keys</h3>
      <ul class="bindings by-key">${COMMANDS.map((command) => this.#binding(command))}</ul>
      <div class="row">
        <button type="button" class="by-key" @click=${() => choices.change({ keys: DEFAULTS.keys })}>Usual keys</button>
        <button type="button" @click=${help}>How to play</button>
        <button id="to-account" type="button" @click=${account}>Account</button>
        <button id="copy" type="button" @click=${copy}>${copied() ? 'Copied' : shares}</button>
      </div>
      <p class="soft">You are <strong>${name}</strong> in room <strong>${room}</strong>.
        ${durable ? nothing : 'This browser keeps nothing: a reload is a new device.'}</p>
    </dialog>`
  }

  #binding(command: Command): TemplateResult {
    const { keys } = this.#ports.choices.now
    const asked = this.#asks === command
    const names = keys[command].map(keyName).join(' or ') || 'none'
    return html`<li>
      <span id="key-${command}">${LABELS[command]}</span>
      <button type="button" aria-describedby="key-${command}" data-asked=${asked} @click=${() => this.#ask(asked ? null : command)}>
        ${asked ? 'Press a key…' : names}
      </button>
    </li>`
  }

  #ask(command: Command | null): void {
    this.#asks = command
    this.#ports.changed()
  }

  /** The next key is the command's; Escape leaves all as it is. */
  readonly #key = (event: KeyboardEvent): void => {
    if (!this.#asks) return
    event.preventDefault()
    event.stopPropagation()
    if (event.code !== 'Escape') this.#ports.choices.bind(this.#asks, event.code)
    this.#ask(null)
  }
}

function toggle(label: string, note: string, on: boolean, change: (on: boolean) => void): TemplateResult {
  return html`<label class="toggle">
    <input type="checkbox" role="switch" .checked=${on} @change=${(event: Event) => change((event.target as HTMLInputElement).checked)} />
    <span>${label} <small>${note}</small></span>
  </label>`
}
