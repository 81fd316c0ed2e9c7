/**
 * What a player chose: sound, motion, hands and keys, kept in localStorage. Decides the defaults and
 * which key does what; must not know how any of it takes effect. Where storage is refused, a choice
 * lasts as long as the page.
 */

/** What a key can do, in the order in which the settings list it. */
export const COMMANDS = [
  ...(['up', 'left', 'down', 'right'] as const),
  ...(['strike', 'heal', 'lure'] as const),
  ...(['scores', 'mute', 'help'] as const),
]
export type Command = (typeof COMMANDS)[number]

/** Keys by place (`KeyboardEvent.code`), not by letter. */
export type Keys = Readonly<Record<Command, readonly string[]>>

export interface Preferences {
  /** Off until it is asked for. */
  readonly sound: boolean
  /** Less motion; null: as the system says. */
  readonly calm: boolean | null
  /** The stick under the right thumb, the buttons under the left. */
  readonly lefty: boolean
  readonly keys: Keys
}

export const DEFAULTS: Preferences = {
  sound: false,
  calm: null,
  lefty: false,
  keys: {
    up: ['ArrowUp', 'KeyW'],
    left: ['ArrowLeft', 'KeyA'],
    down: ['ArrowDown', 'KeyS'],
    right: ['ArrowRight', 'KeyD'],
    strike: ['Space'],
    heal: ['KeyE', 'KeyH'],
    lure: ['KeyQ'],
    scores: ['Tab'],
    mute: ['KeyM'],
    help: ['KeyF', 'F1'],
  },
}
const KEY = 'baton.preferences'

/** Where text is kept; may throw. */
export type Storage = Pick<globalThis.Storage, 'getItem' | 'setItem'>

/** The choices of this browser. */
export class Choices {
  readonly #storage: () => Storage
  readonly #listeners: ((now: Preferences) => void)[] = []
  #now: Preferences

  /** `storage` is called anew each time: to name localStorage throws where it is blocked. */
  constructor(storage: () => Storage) {
    this.#storage = storage
    this.#now = read(storage)
  }

  get now(): Preferences {
    return this.#now
  }

  /** Changes some of it, for good if the browser keeps it. */
  change(some: Partial<Preferences>): void {
    this.#now = { ...this.#now, ...some }
    try {
      this.#storage().setItem(KEY, JSON.stringify(this.#now))
    } catch {
      // Storage is blocked: this page remembers.
    }
    for (const listener of this.#listeners) listener(this.#now)
  }

  /** Gives a command this one key; a command that had the key loses it. */
  bind(command: Command, code: string): void {
    const rest = COMMANDS.map((each) => [each, this.#now.keys[each].filter((key) => key !== code)])
    this.change({ keys: { ...(Object.fromEntries(rest) as unknown as Keys), [command]: [code] } })
  }

  /** Calls `listener` at each change. */
  listen(listener: (now: Preferences) => void): void {
    this.#listeners.push(listener)
  }
}

/** What a key does; null if nothing. */
export function commandOf(keys: Keys, code: string): Command | null {
  return COMMANDS.find((command) => keys[command].includes(code)) ?? null
}

const NAMES: Readonly<Record<string, string>> = {
  ...{ ArrowUp: '↑', ArrowLeft: '←', ArrowDown: '↓', ArrowRight: '→' },
  ...{ Space: 'Space', Escape: 'Esc', ControlLeft: 'Ctrl', ControlRight: 'Right Ctrl' },
  ...{ ShiftLeft: 'Shift', ShiftRight: 'Right Shift', Backquote: '`', Slash: '/', Comma: ',', Period: '.' },
}

/** A key's name for people, as it is printed on most keyboards. */
export function keyName(code: string): string {
  return NAMES[code] ?? code.replace(/^(Key|Digit)/, '').replace(/^Numpad/, 'Num ')
}

function read(storage: () => Storage): Preferences {
  try {
    return checked(JSON.parse(storage().getItem(KEY) ?? '{}'))
  } catch {
    return DEFAULTS
  }
}

/** What is not as it should be is as by default. */
function checked(value: unknown): Preferences {
  const { sound, calm, lefty, keys } = fields(value)
  const codes = fields(keys)
  const own = COMMANDS.map((command) => [command, codesOf(codes[command]) ?? DEFAULTS.keys[command]])
  return {
    sound: sound === true,
    calm: typeof calm === 'boolean' ? calm : null,
    lefty: lefty === true,
    keys: Object.fromEntries(own) as unknown as Keys,
  }
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function codesOf(value: unknown): string[] | null {
  return Array.isArray(value) && value.every((code) => typeof code === 'string') ? value : null
}
