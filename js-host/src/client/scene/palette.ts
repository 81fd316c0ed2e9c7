/**
 * The colours of the night. What must be told apart is in Okabe and Ito's colours, which people
 * who do not see red or green tell apart too; the city stays dull beneath. Decides no shapes.
 */

/** As canvas styles. */
export const INK = {
  /** Outlines of whatever stands on the ground. */
  line: '#0a0d14',
  white: '#ffffff',
  skin: '#e8b48c',
  hair: '#3a2a20',
  survivor: '#56b4e9',
  survivorDark: '#2b7fb3',
  me: '#f7fbff',
  meDark: '#b9c8d8',
  sick: '#f0e442',
  zombie: '#35b98d',
  zombieDark: '#1a7a5c',
  zombieSkin: '#a9dcae',
  turned: '#cc79a7',
  turnedDark: '#8d4a70',
  turnedSkin: '#eec6dd',
  danger: '#d55e00',
  gold: '#e69f00',
  lure: '#2f8fe0',
  shade: '#000000',
} as const

/** As tints of white shapes: blue, green, red, as particles want them. */
export const TINT = {
  white: bgr(0xffffff),
  survivor: bgr(0x56b4e9),
  sick: bgr(0xf0e442),
  zombie: bgr(0x35b98d),
  turned: bgr(0xcc79a7),
  danger: bgr(0xd55e00),
  gold: bgr(0xe69f00),
  lure: bgr(0x6fb7f5),
  heal: bgr(0x5fe3b0),
  flash: bgr(0xffe2a0),
  blood: bgr(0x8f1f14),
  ichor: bgr(0x1d6b4f),
  shade: bgr(0x05070d),
  trough: bgr(0x0a0d14),
  lamp: bgr(0xffd9a0),
} as const

/** The ground. */
export const CITY = {
  beyond: 0x070a12,
  grass: '#1d3528',
  /** Patches of it, as parts of `rgba()`. */
  patch: ['20,38,30', '38,66,46', '30,58,44'],
  tuft: '#34573f',
  stone: '#5b6560',
  flower: '#a99bc4',
  street: ['#262a34', '#282d37', '#242832'],
  crack: '#1d2029',
  kerb: '#6b7284',
  kerbShade: '#12141b',
  lane: '#b9a560',
  floor: ['#4b3d36', '#463931', '#50423a'],
  board: '#3a2f29',
  door: '#8a6238',
  doorLine: '#c9995a',
  roof: '#7f889c',
  roofLit: '#aab3c6',
  roofShade: '#5d6577',
  face: '#3c4252',
  faceShade: '#2c313e',
  window: '#ffcf7a',
  fence: '#8a7a3c',
  leaf: ['#1d4a30', '#27603c', '#347a49', '#459457'],
} as const

/** From 0xRRGGBB. */
function bgr(rgb: number): number {
  return ((rgb & 0xff) << 16) | (rgb & 0xff00) | (rgb >> 16)
}
