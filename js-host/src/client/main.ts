/**
 * The page: which room, who plays, on what device; then each animation frame asks the room what to
 * show. Decides the order of things, nothing else.
 */

import { expose } from './debug'
import { TooManyTabs, takeDevice } from './device'
import { Painter } from './draw'
import { Game, type Measures, type View } from './game'
import { HudView, part } from './hud'
import { Input } from './input'
import { Motion } from './motion'
import { Pilot } from './pilot'
import { Room } from './room'
import { forgetSession, openSession, SessionError } from './session'

/** The room of a page without `?room=`. */
const LOBBY = 'lobby'
/** Pauses between attempts to begin, in milliseconds: doubled from the first to the last. */
const [FIRST_PAUSE_MS, LAST_PAUSE_MS] = [500, 10_000]
/** How long the button says that it copied, in milliseconds. */
const COPIED_MS = 1_500
/** A screen that is not wider than this, in CSS pixels, is a phone's. */
const NARROW_PX = 560

class Page {
  readonly #name: string
  readonly #game: Game
  readonly #measures: Measures
  readonly #hud: HudView
  readonly #painter: Painter
  readonly #pilot: Pilot
  #motion: Motion
  #room: Room | null = null
  #shown: View | null = null
  #drawn = 0

  constructor(name: string, game: Game) {
    this.#name = name
    this.#game = game
    this.#measures = game.measures()
    this.#hud = new HudView(this.#measures)
    const canvas = part<HTMLCanvasElement>('field')
    this.#painter = new Painter(canvas, this.#measures)
    const input = new Input(canvas, part('stick'), part('knob'), this.#measures.angles)
    this.#pilot = new Pilot(input, this.#measures.stride)
    this.#motion = new Motion(this.#measures)
    part('report').addEventListener('click', () => download(this.#room?.report() ?? '{}'))
    requestAnimationFrame(this.#frame)
  }

  /** Enters the room; tries again until the host answers. @throws TooManyTabs */
  async enter(): Promise<void> {
    this.#hud.status('joining', null)
    for (let pause_ms = FIRST_PAUSE_MS; ; pause_ms = Math.min(2 * pause_ms, LAST_PAUSE_MS)) {
      try {
        await this.#open()
        return
      } catch (error) {
        if (!(error instanceof SessionError)) throw error
        this.#hud.status('reconnecting', null)
        await new Promise((resolve) => setTimeout(resolve, pause_ms))
      }
    }
  }

  async #open(): Promise<void> {
    const session = await openSession()
    const device = await takeDevice(session.user, () => this.#game.instance.newDevice())
    part('me').textContent = session.name
    part('volatile').hidden = device.durable
    const room = await Room.open({
      game: this.#game,
      session,
      device,
      name: this.#name,
      onStatus: (status) => this.#hud.status(status, room.refusal),
      onSignedOut: () => {
        forgetSession(session)
        device.release()
        this.enter().catch(give)
      },
    })
    this.#room = room
    this.#motion = new Motion(this.#measures)
    expose(room, session.user, this.#measures.stride, () => this.#drawn)
  }

  readonly #frame = (now_ms: number): void => {
    requestAnimationFrame(this.#frame)
    const look = this.#room?.look(now_ms)
    if (!this.#room || !look?.view) return
    this.#pilot.steer(this.#room, look, now_ms)
    if (look.view !== this.#shown) this.#hud.show(look)
    this.#shown = look.view
    const names = new Map(look.view.here.map(({ player, name }) => [player, name ?? '']))
    this.#painter.draw({ things: this.#motion.move(look, now_ms), me: look.view.me, names, now_ms })
    this.#drawn += 1
  }
}

function copyLink(name: string): void {
  const link = new URL(location.href)
  link.search = new URLSearchParams({ room: name }).toString()
  link.hash = ''
  const button = part<HTMLButtonElement>('copy')
  navigator.clipboard
    ?.writeText(link.href)
    .then(() => {
      button.textContent = 'Copied'
      setTimeout(() => {
        button.textContent = 'Copy link'
      }, COPIED_MS)
    })
    // Not allowed here: the address can be copied by hand.
    .catch(() => prompt('The link of this room:', link.href))
}

function download(json: string): void {
  const anchor = document.createElement('a')
  anchor.href = URL.createObjectURL(new Blob([json], { type: 'application/json' }))
  anchor.download = 'baton-desync.json'
  anchor.click()
  URL.revokeObjectURL(anchor.href)
}

/** There is no game to be had; says why. */
function give(error: unknown): void {
  console.error('baton: cannot begin', error)
  const tabs = error instanceof TooManyTabs
  problem(tabs ? 'Too many tabs of this game are open in this browser.' : 'The game does not start. Reload the page.')
}

function problem(text: string): void {
  part('banner').textContent = text
  document.body.dataset.status = 'refused'
}

async function main(): Promise<void> {
  const name = new URLSearchParams(location.search).get('room') ?? LOBBY
  part('reload').addEventListener('click', () => location.reload())
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) {
    part('to-lobby').hidden = false
    problem('A room is named with 1 to 64 of A–Z, a–z, 0–9, - and _. This link is not of a room.')
    return
  }
  part('room').textContent = name
  // Where there is little room, names are shown when they are asked for.
  part<HTMLDetailsElement>('people').open = innerWidth > NARROW_PX
  part('copy').addEventListener('click', () => copyLink(name))
  // A page that comes back from the browser's cache has left the room.
  addEventListener('pageshow', ({ persisted }) => persisted && location.reload())
  await new Page(name, await Game.load()).enter()
}

main().catch(give)
