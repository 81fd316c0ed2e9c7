/**
 * The field as it is seen: a city by night from above, drawn by WebGL. Decides what is drawn in
 * which order and from where; must not know where what it draws comes from, nor the rules.
 */

// The page's policy forbids `eval`, with which Pixi would make its inner functions.
import 'pixi.js/unsafe-eval'
import 'pixi.js/particle-container'
import { Container, type ParticleContainer, Texture, WebGLRenderer } from 'pixi.js'
import { FLAG, KIND, type Measures } from '../game'
import type { Thing } from '../motion'
import { type Atlas, paintAtlas } from './atlas'
import { Batch, plate } from './batch'
import { Camera, type Inset } from './camera'
import { Effects } from './effects'
import { Figures } from './figures'
import { Ground } from './ground'
import { Labels } from './labels'
import type { Layers } from './layers'
import { CITY, TINT } from './palette'
import { Sharpness } from './sharpness'

/** What is drawn in a frame. */
export interface Picture {
  /** Gone through more than once. */
  readonly things: Iterable<Thing>
  /** Our player's number. */
  readonly me: number | null
  /** What our figure wears. */
  readonly look: number
  /** Whom the camera follows; null: the whole arena is seen. */
  readonly follow: number | null
  readonly names: ReadonlyMap<number, string>
  /** Bytes of `map()`, and a number that is another one whenever they are others. */
  readonly terrain: Uint8Array
  readonly terrainOf: number
  /** Whether our strike button is held. */
  readonly aim: { readonly strike: boolean }
  readonly now_ms: number
}

/** Pixels per tile for which shapes and ground are painted: the next that suffices. */
const DENSITIES = [16, 24, 32, 48, 64, 88]
/** The ground has no fine lines: more than this would only take memory. */
const GROUND_DENSITY = 48
/** Names are shown from this scale on, in CSS pixels per tile. */
const NAMES_PX = 7
/** A name nearer to us than this is faint, in tiles. */
const NEAR_TILES = 1.9
/** How far from the screen's edge a pointer is, in CSS pixels, and how many there are at most. */
const POINTER_PX = 22
const MOST_POINTERS = 4
/** Of the picture of the night, in pixels. */
const NIGHT_SIDE = 256
const NAME_TINTS = { survivor: 0xffffff, infected: 0xf0e442, turned: 0xf0b8d6 }

/** Draws one field on one canvas. */
export class Scene {
  readonly #canvas: HTMLCanvasElement
  readonly #measures: Measures
  readonly #renderer: WebGLRenderer
  readonly #stage = new Container()
  /** Two worlds, below the night and above it. */
  readonly #below = new Container()
  readonly #above = new Container()
  readonly #night: ParticleContainer
  readonly #ground = new Ground()
  readonly #labels = new Labels()
  readonly #figures: Figures
  readonly #effects: Effects
  readonly #camera: Camera
  readonly #sharpness = new Sharpness()
  readonly #batches: Record<'ground' | 'figures' | 'glow' | 'marks', Batch>
  readonly #players: Thing[] = []
  readonly #items = new Map<number, { x: number; y: number; frame: number }>()
  #atlas: Atlas
  #density = 32
  #terrainOf: number | null = null
  #calm = false
  #frame = 0

  /** @throws if the browser has no WebGL */
  static async create(canvas: HTMLCanvasElement, measures: Measures): Promise<Scene> {
    const renderer = new WebGLRenderer()
    await renderer.init({
      canvas,
      width: Math.max(1, canvas.clientWidth),
      height: Math.max(1, canvas.clientHeight),
      backgroundColor: CITY.beyond,
      // Shapes have soft edges of their own.
      antialias: false,
      // All that is needed is imported above.
      skipExtensionImports: true,
    })
    return new Scene(canvas, measures, renderer)
  }

  private constructor(canvas: HTMLCanvasElement, measures: Measures, renderer: WebGLRenderer) {
    this.#canvas = canvas
    this.#measures = measures
    this.#renderer = renderer
    this.#figures = new Figures(measures)
    this.#effects = new Effects(measures.tile, measures.angles)
    this.#camera = new Camera(measures.width / measures.tile, measures.height / measures.tile)
    this.#atlas = paintAtlas(this.#density)
    const { dot } = this.#atlas.shapes
    this.#batches = {
      ground: new Batch(dot),
      figures: new Batch(dot),
      glow: new Batch(dot, 'add'),
      marks: new Batch(dot),
    }
    this.#night = plate(paintNight(), { scale: 1 / NIGHT_SIDE, anchor: 0.5 })
    this.#below.addChild(this.#ground.view, this.#batches.ground.view, this.#batches.figures.view)
    this.#above.addChild(this.#batches.glow.view, this.#batches.marks.view)
    this.#stage.addChild(this.#below, this.#night, this.#above, this.#labels.view)
  }

  /** Reduced motion: no shake, no flashes, no particles. */
  set calm(on: boolean) {
    this.#calm = on
  }

  /** Parts of the screen that words cover, in CSS pixels. */
  set inset(inset: Readonly<Inset>) {
    Object.assign(this.#camera.inset, inset)
  }

  /** Draws a frame. */
  draw(picture: Picture): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas
    if (width === 0 || height === 0) return
    this.#frame += 1
    const players = this.#players
    players.length = 0
    for (const thing of picture.things) if (thing.kind === KIND.player && thing.state === 'here') players.push(thing)
    this.#fit(width, height, picture.now_ms)
    this.#look(picture, width, height)
    const layers = this.#begin(picture)
    this.#figures.look = picture.look
    let own: Thing | null = null
    for (const thing of picture.things) {
      if (thing.kind === KIND.player && thing.id === picture.me && thing.state === 'here') own = thing
      else this.#thing(thing, picture, layers)
    }
    // Nobody stands upon us.
    if (own) this.#thing(own, picture, layers)
    this.#missItems(layers)
    this.#effects.draw(layers)
    this.#words(picture, layers)
    for (const batch of Object.values(this.#batches)) batch.end()
    this.#ground.draw(this.#camera)
    this.#renderer.render({ container: this.#stage })
  }

  /** Gives everything back. The canvas cannot be drawn on again. */
  destroy(): void {
    this.#labels.destroy()
    this.#atlas.destroy()
    this.#stage.destroy({ children: true })
    this.#renderer.destroy()
  }

  /** As many pixels as the screen has. */
  #fit(width: number, height: number, now_ms: number): void {
    const ratio = this.#sharpness.ratio(devicePixelRatio || 1, now_ms)
    const { screen, resolution } = this.#renderer
    if (screen.width !== width || screen.height !== height || resolution !== ratio) {
      this.#renderer.resize(width, height, ratio)
    }
    this.#labels.ratio = ratio
  }

  #look({ follow, terrain, terrainOf, now_ms }: Picture, width: number, height: number): void {
    const { tile, width: fieldWidth, height: fieldHeight } = this.#measures
    const camera = this.#camera
    const followed = follow === null ? undefined : this.#players.find(({ id }) => id === follow)
    camera.look(width, height, followed ? { x: followed.x / tile, y: followed.y / tile } : null, now_ms)
    const wanted = camera.target * this.#renderer.resolution
    const density = DENSITIES.find((some) => some >= wanted) ?? DENSITIES.at(-1) ?? 0
    if (density !== this.#density) this.#repaint(density)
    if (terrainOf !== this.#terrainOf) {
      this.#terrainOf = terrainOf
      this.#ground.terrain = { tiles: terrain, width: fieldWidth / tile, height: fieldHeight / tile }
    }
    this.#ground.density = Math.min(GROUND_DENSITY, density)
    const shake = this.#effects.shake(now_ms)
    for (const world of [this.#below, this.#above]) {
      world.scale.set(camera.scale)
      world.position.set(-camera.left * camera.scale + shake.x, -camera.top * camera.scale + shake.y)
    }
    this.#night.visible = followed !== undefined
    if (!followed) return
    this.#night.position.set(
      (followed.x / tile - camera.left) * camera.scale,
      (followed.y / tile - camera.top) * camera.scale,
    )
    this.#night.scale.set(2.4 * Math.hypot(width, height))
  }

  #repaint(density: number): void {
    const old = this.#atlas
    this.#density = density
    this.#atlas = paintAtlas(density)
    for (const batch of Object.values(this.#batches)) batch.retexture(this.#atlas.shapes.dot)
    old.destroy()
  }

  #begin({ now_ms }: Picture): Layers {
    for (const batch of Object.values(this.#batches)) batch.begin()
    this.#effects.begin()
    return { ...this.#batches, shapes: this.#atlas.shapes, camera: this.#camera, calm: this.#calm, now_ms }
  }

  #thing(thing: Thing, { me, aim }: Picture, layers: Layers): void {
    const own = thing.kind === KIND.player && thing.id === me
    if (thing.state !== 'here') {
      if (thing.state === 'felled') this.#effects.felled(thing, layers)
      this.#figures.draw(thing, null, layers, false, false)
      return
    }
    const memory = this.#effects.see(thing, me, layers)
    if (thing.kind === KIND.item) this.#keepItem(thing)
    this.#figures.draw(thing, memory, layers, own, aim.strike)
  }

  #keepItem({ id, x, y }: Thing): void {
    const known = this.#items.get(id)
    if (known) known.frame = this.#frame
    else this.#items.set(id, { x, y, frame: this.#frame })
  }

  /** Items that are gone beside somebody were taken; the others are of another match. */
  #missItems(layers: Layers): void {
    const { tile } = this.#measures
    for (const [id, { x, y, frame }] of this.#items) {
      if (frame === this.#frame) continue
      this.#items.delete(id)
      const near = this.#players.some((player) => Math.hypot(player.x - x, player.y - y) < 2 * tile)
      if (near) this.#effects.taken(x / tile, y / tile, layers)
    }
  }

  /** Names, and pointers to friends off the screen who can be cured. */
  #words({ me, follow, names }: Picture, layers: Layers): void {
    const { tile } = this.#measures
    const camera = this.#camera
    const mine = this.#players.find(({ id }) => id === me)
    const helps = mine !== undefined && follow === me && !(mine.flags & FLAG.turned)
    this.#labels.begin()
    const lost: [number, number, number][] = []
    for (const { id, x, y, extra, flags, opacity } of this.#players) {
      if (id === me) continue
      const turned = (flags & FLAG.turned) !== 0
      const role = turned ? 'turned' : extra > 0 ? 'infected' : 'survivor'
      const [atX, atY] = [x / tile, y / tile]
      const place = { x: atX, y: atY - (turned ? 1.35 : 1.12) }
      if (camera.scale >= NAMES_PX) {
        // A name upon our own figure lets it through.
        const near = mine !== undefined && Math.hypot(place.x - mine.x / tile, place.y - mine.y / tile) < NEAR_TILES
        const alpha = opacity * (near ? 0.4 : 1)
        this.#labels.put(id, names.get(id) ?? `Player ${id}`, camera, place, NAME_TINTS[role], alpha)
      }
      if (!helps || role !== 'infected' || camera.sees(atX, atY, 0)) continue
      lost.push([Math.hypot(x - mine.x, y - mine.y), atX, atY])
    }
    lost.sort(([near], [far]) => near - far)
    for (const [, x, y] of lost.slice(0, MOST_POINTERS)) this.#point(x, y, layers)
    this.#labels.end()
  }

  #point(x: number, y: number, { marks, shapes, camera }: Layers): void {
    const { width, height } = this.#renderer.screen
    const { top, right, bottom, left } = camera.inset
    const [atX, atY] = [(x - camera.left) * camera.scale, (y - camera.top) * camera.scale]
    const edgeX = Math.min(width - right - POINTER_PX, Math.max(left + POINTER_PX, atX))
    const edgeY = Math.min(height - bottom - POINTER_PX, Math.max(top + POINTER_PX, atY))
    const size = POINTER_PX / camera.scale
    const [toX, toY] = [camera.left + edgeX / camera.scale, camera.top + edgeY / camera.scale]
    const angle = Math.atan2(atY - edgeY, atX - edgeX)
    marks.put(shapes.pointer, toX, toY, angle, 1, TINT.white, size)
    // Upright in the badge, which is a little behind the tip.
    const back = 0.1 * size
    marks.put(shapes.cross, toX - Math.cos(angle) * back, toY - Math.sin(angle) * back, 0, 1, TINT.sick, size * 0.8)
  }
}

/** Darker the farther it is from whoever is followed. */
function paintNight(): Texture {
  const side = NIGHT_SIDE
  const canvas = document.createElement('canvas')
  canvas.width = side
  canvas.height = side
  const pen = canvas.getContext('2d')
  if (!pen) return Texture.EMPTY
  const gradient = pen.createRadialGradient(side / 2, side / 2, 0, side / 2, side / 2, side / 2)
  gradient.addColorStop(0, 'rgba(4,7,18,0)')
  gradient.addColorStop(0.14, 'rgba(4,7,18,0.04)')
  gradient.addColorStop(0.42, 'rgba(4,7,18,0.36)')
  gradient.addColorStop(1, 'rgba(4,7,18,0.56)')
  pen.fillStyle = gradient
  pen.fillRect(0, 0, side, side)
  return Texture.from(canvas, true)
}
