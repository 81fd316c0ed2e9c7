/**
 * The game's part of the page: loads the rules and the scene, enters the room, and then each
 * animation frame asks the room what to show. Decides the order of things, nothing else.
 */

import { place } from '#place'
import { expose } from './debug'
import { TooManyTabs } from './device'
import { Game, type Measures, type Run } from './game'
import { setUnderway } from './hint'
import { AccountPanel, begunOf } from './hud/account'
import { HudView } from './hud/hud'
import { namesOf } from './hud/words'
import { Input } from './input'
import type { Look } from './look'
import { Motion } from './motion'
import { Pilot } from './pilot'
import type { Choices } from './preferences'
import { Room, type Status } from './room'
import type { Scene } from './scene'
import { NoGuests, SessionError } from './session'
import { anySeed, Solo, type SoloEnd } from './solo'
import { Sounds } from './sound'
import { Spectator } from './spectator'
import { type Bookmark, goneOf, handIn, type Underway } from './underway'
import { Tab, type Who } from './who'

/** Pauses between attempts to begin, in milliseconds: doubled from the first to the last. */
const [FIRST_PAUSE_MS, LAST_PAUSE_MS] = [500, 10_000]

/** Who plays alone waits for an account no longer than this, in milliseconds. */
const LATE_MS = 2_500

/** There is no game to be had in this browser; the message is for the player. */
class Unplayable extends Error {
  override readonly name = 'Unplayable'
}

/** How somebody is at the field. */
export type How = 'plays' | 'watches' | 'alone'

type OnStep = (step: number, text: string) => void

/** What takes long to load: each is fetched once, and again only after a failure. */
const rules = once(() => Game.load())
const drawing = once(() => import('./scene'))

/** Who plays in this tab. */
const tab = once(async () => new Tab(await rules()))

/** Loads what the game needs, and shows nothing. */
export async function prepare(): Promise<void> {
  await Promise.all([rules(), drawing()])
}

/** Shows the account over the first screen. `alone`: somebody wants to play alone. */
export async function showAccount(alone: () => void): Promise<void> {
  const who = await tab()
  accountPanel(who, alone).show()
  // Without network, and without a session from before, there is none yet: the panel says so.
  await who.open().catch((error: unknown) => console.warn('baton: no account', error))
}

/** Loads what is missing, shows the field, and enters the room, watches it, or plays alone. @throws Unplayable, or what failed */
export async function begin(room: string, choices: Choices, onStep: OnStep, how: How): Promise<void> {
  const watches = how === 'watches'
  onStep(1, 'Loading the rules…')
  const [game, { Scene }] = await Promise.all([rules(), drawing()])
  onStep(2, 'Drawing the town…')
  const measures = game.measures()
  const canvas = document.getElementById('field') as HTMLCanvasElement
  canvas.hidden = false
  const scene = await Scene.create(canvas, measures).catch((error: unknown) => {
    console.error('baton: no scene', error)
    throw new Unplayable('This browser cannot draw the game: it needs WebGL.')
  })
  onStep(3, { plays: 'Joining the room…', watches: 'Looking at the room…', alone: 'Going out alone…' }[how])
  const page = new Page({ name: room, game, measures, scene, canvas, choices, watches, tab: await tab() })
  if (watches) return page.watch()
  if (how === 'alone') return page.alone()
  await page.enter().catch((error: unknown) => {
    if (!(error instanceof TooManyTabs)) throw error
    throw new Unplayable('Too many tabs of this game are open in this browser.')
  })
}

interface Parts {
  readonly name: string
  readonly game: Game
  readonly measures: Measures
  readonly scene: Scene
  readonly canvas: HTMLCanvasElement
  readonly choices: Choices
  readonly watches: boolean
  readonly tab: Tab
}

/** How a run begins. */
interface Begun {
  readonly run: Run
  readonly of: Pick<Underway, 'rules' | 'seed' | 'paid'>
  readonly before: Parameters<typeof begunOf>[0]
}

class Page {
  readonly #parts: Parts
  readonly #hud: HudView
  readonly #input: Input
  readonly #pilot: Pilot
  readonly #sounds = new Sounds()
  readonly #stillness = matchMedia('(prefers-reduced-motion: reduce)')
  #motion: Motion
  #room: Room | Solo | Spectator | null = null
  readonly #panel: AccountPanel
  /** Nobody plays here: we only watch. */
  #watches: boolean
  /** Somebody plays alone here: no room is entered any more. */
  #alone = false
  /** Of the run that is played here. */
  #bookmark: Bookmark | null = null
  /** The last run is handed in, or will not be. */
  #settled: Promise<void> = Promise.resolve()
  /** Who is in the room. */
  #who: Who | null = null
  /** Who only watches might play as somebody. */
  #login: (() => void) | null = null
  /** The look that our figure wears. */
  #dress = 0
  #shown: Look | null = null
  #drawn = 0

  constructor(parts: Parts) {
    this.#parts = parts
    this.#watches = parts.watches
    const { name, measures, scene, canvas, choices, tab } = parts
    const sources = { keys: window, surface: canvas, stick: part('stick'), knob: part('knob') }
    this.#input = new Input(sources, choices, measures.angles)
    this.#hud = new HudView({
      root: part('hud'),
      room: name,
      measures,
      input: this.#input,
      choices,
      watches: () => this.#watches,
      login: () => this.#login,
      alone: () => (place.alone && !this.#shown ? () => void this.alone() : null),
      account: () => this.#panel.show(),
      shares: place.shares,
      share: () => place.share(name),
      calm: () => this.#calm,
      onReport: () => download(this.#room?.report() ?? '{}'),
      onInset: (inset) => {
        scene.inset = inset
      },
    })
    this.#panel = accountPanel(tab, () => void this.alone())
    this.#pilot = new Pilot(this.#input, measures.stride, (act, code) => this.#hud.refused(act, code))
    this.#motion = new Motion(measures)
    const dress = () => {
      this.#dress = tab.state?.view?.look ?? this.#dress
    }
    tab.listen(dress)
    dress()
    choices.listen(() => this.#obey())
    this.#stillness.addEventListener('change', () => this.#obey())
    // Browsers give sound only to who has touched the page; a finger has when it is lifted.
    for (const gesture of ['pointerup', 'keydown']) addEventListener(gesture, () => this.#obey(), { once: true })
    this.#obey()
    // It may be for ever.
    addEventListener('pagehide', () => void this.#bookmark?.write())
    document.addEventListener('visibilitychange', () => document.hidden && void this.#bookmark?.write())
    part('hud').hidden = true
    requestAnimationFrame(this.#frame)
  }

  /** The first screen goes when there is something to see: the room, or what is wrong with it. */
  #uncover(): void {
    part('first').hidden = true
    part('hud').hidden = false
  }

  #tell(status: Status): void {
    this.#hud.status(status, this.#room?.refusal ?? null)
    if (status !== 'joining' && status !== 'live') this.#uncover()
  }

  /** Shows the room to somebody who says nothing. */
  watch(): void {
    const { name, game, measures } = this.#parts
    this.#watches = true
    this.#hud.introduce('a spectator', true)
    this.#tell('joining')
    this.#shows(new Spectator({ game, name, onStatus: (status) => this.#tell(status) }), '', measures)
  }

  /** Plays a run: the one that was under way, else one with a seed in hand, else one for nothing. What was played before goes. */
  async alone(): Promise<void> {
    // Who asks for a run in the middle of one begins anew; if that was not the account's, what is on disk is another.
    const anew = this.#room instanceof Solo && this.#bookmark !== null
    this.#alone = true
    this.#watches = false
    this.#panel.close()
    this.#room?.close()
    const { tab, measures } = this.#parts
    const who = await soon(tab.open())
    await this.#settled
    // What was played is worth more than what is begun: it keeps its place on disk until the account takes it.
    const owed = who?.bookmark.owed
    if (who && owed) await handIn(who.account, who.bookmark, owed)
    this.#hud.introduce(who?.session.name ?? 'You', who?.device.durable ?? false)
    this.#tell('live')
    const { run, of, before } = await this.#begun(who, anew)
    const { seed, paid } = of
    const written = (): Underway => ({ ...of, ...solo.written })
    const onOver = ({ result, rescued, tick, inputs }: SoloEnd) => {
      if (who) setUnderway(false)
      const ended = { ...of, tick, inputs }
      if (who && paid) this.#settled = handIn(who.account, who.bookmark, ended)
      else void who?.bookmark.forget(seed)
      this.#panel.show({ result, rescued, seed: paid ? seed : null })
    }
    const solo = new Solo({ run, onStep: () => who?.bookmark.note(written), onOver })
    this.#bookmark = who?.bookmark ?? null
    if (who) setUnderway(who.device.durable)
    this.#shows(solo, who?.session.user ?? '', measures)
    const words = begunOf(before, paid, who !== null)
    if (words !== '') this.#hud.say(words)
  }

  /** The run that is played now, and what became of the one that was under way. */
  async #begun(who: Who | null, anew: boolean): Promise<Begun> {
    const instance = this.#parts.game.another()
    const name = who?.session.name ?? 'You'
    const rules = instance.Run.rules()
    const view = who?.account.state.view ?? null
    const kept = anew ? null : ((await who?.bookmark.read()) ?? null)
    const gone = kept && goneOf(kept, rules, view)
    if (kept && !gone) {
      const run = instance.Run.resume(kept.seed, name, kept.inputs, kept.tick)
      if (run) return { run, of: kept, before: 'goes on' }
    }
    if (kept) await who?.bookmark.forget(kept.seed)
    const seed = view?.seeds[0]?.seed ?? null
    const of = { rules, seed: seed ?? anySeed(), paid: seed !== null }
    return { run: new instance.Run(of.seed, name), of, before: gone ?? (kept && 'damaged') }
  }

  #shows(room: Room | Solo | Spectator, user: string, { stride }: Measures): void {
    this.#room = room
    this.#motion = new Motion(this.#parts.measures)
    expose(room, user, stride, {
      drawn: () => this.#drawn,
      feed: () => this.#hud.told(),
      account: () => this.#parts.tab.told(),
    })
  }

  /** Enters the room, or watches it where nobody may be a guest; tries again until the host answers. @throws TooManyTabs */
  async enter(): Promise<void> {
    this.#tell('joining')
    for (let pause_ms = FIRST_PAUSE_MS; ; pause_ms = Math.min(2 * pause_ms, LAST_PAUSE_MS)) {
      try {
        await this.#open()
        return
      } catch (error) {
        if (this.#alone) return
        if (error instanceof NoGuests) {
          this.#login = place.login
          this.watch()
          return
        }
        if (!(error instanceof SessionError)) throw error
        this.#tell('reconnecting')
        await new Promise((resolve) => setTimeout(resolve, pause_ms))
      }
    }
  }

  async #open(): Promise<void> {
    const { name, game, measures, tab } = this.#parts
    const who = await tab.open()
    if (this.#alone) return
    this.#hud.introduce(who.session.name, who.device.durable)
    const room = await Room.open({
      game,
      ...who,
      name,
      ways: place.ways,
      onStatus: (status) => this.#alone || this.#tell(status),
      onSignedOut: () => {
        tab.forget(who)
        this.enter().catch((error: unknown) => {
          console.error('baton: cannot enter again', error)
          location.reload()
        })
      },
    })
    if (this.#alone) return room.close()
    this.#who = who
    this.#shows(room, who.session.user, measures)
  }

  get #calm(): boolean {
    return this.#parts.choices.now.calm ?? this.#stillness.matches
  }

  /** What was chosen takes effect. */
  #obey(): void {
    this.#parts.scene.calm = this.#calm
    this.#sounds.on = this.#parts.choices.now.sound && navigator.userActivation?.hasBeenActive !== false
  }

  readonly #frame = (now_ms: number): void => {
    requestAnimationFrame(this.#frame)
    const room = this.#room
    const look = room?.look(now_ms)
    if (!room || !look?.view) return
    if (!(room instanceof Spectator)) this.#pilot.act(room, look, now_ms)
    if (!this.#shown) this.#uncover()
    if (look.view !== this.#shown?.view) {
      this.#hud.show(look, now_ms)
      this.#sounds.hear(this.#shown, look)
      // What the match was worth is on its way.
      if (look.view.hud.phase === 'over' && this.#shown?.view?.hud.phase === 'playing') this.#who?.account.wake()
    }
    this.#shown = look
    this.#hud.frame(look, room.pending(), now_ms)
    this.#parts.scene.draw({
      things: this.#motion.move(look, now_ms),
      me: look.view.me,
      look: this.#dress,
      follow: this.#hud.follow,
      names: namesOf(look.view),
      terrain: look.terrain,
      terrainOf: look.terrainOf,
      aim: { strike: this.#input.holds('strike') },
      now_ms,
    })
    this.#drawn += 1
  }
}

let panel: AccountPanel | null = null

/** The one dialog of the page, for whoever plays alone when asked to. */
function accountPanel(tab: Tab, alone: () => void): AccountPanel {
  panel ??= makePanel(tab)
  panel.alone = alone
  return panel
}

function makePanel(tab: Tab): AccountPanel {
  const made = new AccountPanel({
    root: part('account') as HTMLDialogElement,
    state: () => tab.state,
    buy: (item) => tab.account?.buy(item),
    purchase: (item) => void tab.account?.purchase(item),
    wear: (look) => tab.account?.wear(look),
    leave: () => location.assign(`./?${new URLSearchParams({ room: place.room() ?? '' })}`),
  })
  tab.listen(() => made.render())
  return made
}

/** What comes soon; null for what fails or takes long, as without network. */
function soon<T>(work: Promise<T>): Promise<T | null> {
  const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), LATE_MS))
  return Promise.race([work.catch(() => null), late])
}

function part(id: string): HTMLElement {
  const found = document.getElementById(id)
  if (!found) throw new Error(`the page lacks #${id}`)
  return found
}

function download(json: string): void {
  const anchor = document.createElement('a')
  anchor.href = URL.createObjectURL(new Blob([json], { type: 'application/json' }))
  anchor.download = 'baton-desync.json'
  anchor.click()
  URL.revokeObjectURL(anchor.href)
}

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | null = null
  return () => {
    loading ??= load().catch((error: unknown) => {
      loading = null
      throw error
    })
    return loading
  }
}
