/**
 * Names above figures, and pointers to friends who need a cure. Decides how text becomes a
 * picture, and where it stands; must not know who has which name. Names are drawn, never markup.
 */

import { Container, Sprite, Texture } from 'pixi.js'
import type { Camera } from './camera'

const FONT_PX = 12
const FONT = `600 ${FONT_PX}px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif`
/** A longer name is cut. */
const MOST_LETTERS = 18
/** Around the letters, in CSS pixels. */
const PAD_PX = 4
/** More labels than this are not kept. */
const MOST_KEPT = 128

interface Label {
  readonly sprite: Sprite
  readonly text: string
  frame: number
}

/** Draws names. */
export class Labels {
  readonly view = new Container()
  readonly #kept = new Map<number, Label>()
  #ratio = 1
  #frame = 0

  /** Pixels of the screen per CSS pixel. */
  set ratio(ratio: number) {
    if (ratio === this.#ratio) return
    this.#ratio = ratio
    this.#forget(() => true)
  }

  begin(): void {
    this.#frame += 1
  }

  /** Draws a name so that it ends at a place of the field, in tiles. */
  put(id: number, text: string, camera: Camera, place: { x: number; y: number }, tint: number, alpha: number): void {
    if (!camera.sees(place.x, place.y, 3)) return
    const label = this.#labelOf(id, text)
    label.frame = this.#frame
    const { sprite } = label
    sprite.visible = true
    sprite.alpha = alpha
    sprite.tint = tint
    // On whole pixels, where letters are sharp.
    const round = (at: number) => Math.round(at * this.#ratio) / this.#ratio
    sprite.x = round((place.x - camera.left) * camera.scale - sprite.width / 2)
    sprite.y = round((place.y - camera.top) * camera.scale - sprite.height)
  }

  /** Hides who was not put. */
  end(): void {
    for (const label of this.#kept.values()) if (label.frame !== this.#frame) label.sprite.visible = false
    if (this.#kept.size > MOST_KEPT) this.#forget(({ frame }) => frame !== this.#frame)
  }

  destroy(): void {
    this.#forget(() => true)
  }

  #labelOf(id: number, text: string): Label {
    const known = this.#kept.get(id)
    if (known?.text === text) return known
    if (known) known.sprite.destroy({ texture: true, textureSource: true })
    const sprite = new Sprite(paint(text, this.#ratio))
    sprite.scale.set(1 / this.#ratio)
    this.view.addChild(sprite)
    const label = { sprite, text, frame: this.#frame }
    this.#kept.set(id, label)
    return label
  }

  #forget(which: (label: Label) => boolean): void {
    for (const [id, label] of this.#kept) {
      if (!which(label)) continue
      label.sprite.destroy({ texture: true, textureSource: true })
      this.#kept.delete(id)
    }
  }
}

function paint(text: string, ratio: number): Texture {
  const letters = [...text]
  const shown = letters.length > MOST_LETTERS ? `${letters.slice(0, MOST_LETTERS - 1).join('')}…` : text
  const canvas = document.createElement('canvas')
  const pen = canvas.getContext('2d')
  if (!pen) return Texture.EMPTY
  pen.font = FONT
  canvas.width = Math.ceil((pen.measureText(shown).width + 2 * PAD_PX) * ratio)
  canvas.height = Math.ceil((FONT_PX + 2 * PAD_PX) * ratio)
  pen.scale(ratio, ratio)
  pen.font = FONT
  pen.textBaseline = 'middle'
  pen.lineJoin = 'round'
  pen.lineWidth = 3.5
  pen.strokeStyle = 'rgba(5,7,13,0.9)'
  pen.fillStyle = '#fff'
  const middle = FONT_PX / 2 + PAD_PX
  pen.strokeText(shown, PAD_PX, middle)
  pen.fillText(shown, PAD_PX, middle)
  return Texture.from(canvas, true)
}
