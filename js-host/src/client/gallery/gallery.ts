/**
 * The words around the field, in any of the made-up moments, without a room: to look at them and to
 * measure them. Stands in for main.ts in development and in the tests of the layout; never built.
 */

import { AccountPanel } from '../hud/account'
import { HudView, type Inset } from '../hud/hud'
import { Input } from '../input'
import { Choices } from '../preferences'
import { ACCOUNT, lookOf, MEASURES, MOMENTS } from './states'

declare global {
  interface Window {
    gallery: {
      show(name: string): void
      account(): void
      lefty(on: boolean): void
      inset(): Inset | null
      moments: string[]
    }
  }
}

function part(id: string): HTMLElement {
  const found = document.getElementById(id)
  if (!found) throw new Error(`the page lacks #${id}`)
  return found
}

const choices = new Choices(() => localStorage)
const sources = { keys: window, surface: part('field'), stick: part('stick'), knob: part('knob') }
const input = new Input(sources, choices, MEASURES.angles)
let inset: Inset | null = null
let tick = 0

part('first').hidden = true
part('field').hidden = false
if (matchMedia('(pointer: coarse)').matches) document.body.dataset.touch = ''

const panel = new AccountPanel({
  ...{ root: part('account') as HTMLDialogElement, state: () => ACCOUNT },
  ...{ buy: () => {}, purchase: () => {}, wear: () => {}, leave: () => {} },
})
const hud = new HudView({
  ...{ root: part('hud'), room: 'gallery', measures: MEASURES, input, choices },
  ...{
    watches: () => false,
    login: () => null,
    alone: () => null,
    account: () => panel.show(),
    shares: 'Copy link',
    share: async () => true,
  },
  calm: () => choices.now.calm ?? false,
  onReport: () => {},
  onInset: (now) => {
    inset = now
  },
})

function show(name: string): void {
  const { view, status } = MOMENTS[name] ?? Object.values(MOMENTS)[0] ?? {}
  if (!view || !status) return
  const news = name === 'turned' && view.mine ? { ...view.mine, role: 'survivor' as const } : view.mine
  hud.introduce('calm-heron-7', true)
  hud.status(status, null)
  for (const now of [{ ...view, mine: news, hud: { ...view.hud, feed: [] } }, view]) {
    tick += 1
    hud.show(lookOf(now, tick), performance.now())
  }
  hud.frame(lookOf(view, tick), 0, 1_000 * tick)
}

const lefty = (on: boolean) => choices.change({ lefty: on })
window.gallery = { show, account: () => panel.show(), lefty, inset: () => inset, moments: Object.keys(MOMENTS) }
show(new URLSearchParams(location.search).get('moment') ?? 'playing')
