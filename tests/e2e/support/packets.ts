/**
 * Packets of a device: requests that are written once and delivered as often, in whatever order and to whatever process a
 * test likes. Decides when a delivery counts as made; must not know what is in a packet.
 */

import { BATON_TYPE, codeOf, type Device } from '../device'
import { decode, encode, type OrderFate, order, ordered, PRESENCE, type Reply, type Request, reply } from '../wire'
import { until } from './browser'
import type { Send } from './exchange'

/** Longer than a host may take to come back. */
const PATIENCE_MS = 60_000

/** What a packet was answered: a reply, or the code of a refusal. */
export type Told = Reply | string

/** The request with which a device hands in actions, from a sequence on, which it wrote by rules of a version. */
export const packetOf = (device: Device, from: number, bodies: number[][], version = 1): Uint8Array =>
  device.request(
    device.hail({
      answered: from - 1,
      actions: bodies.map((body, at) => ({ seq: from + at, version, body: new Uint8Array(body) })),
    }),
    { rules: version },
  )

/** Delivers a packet until it is answered for certain: a host that is not there, or cannot tell, is asked again. */
export async function deliver(device: Device, packet: Uint8Array): Promise<Told> {
  return until('an answer', PATIENCE_MS, async () => {
    const answer = await device.send(packet).catch(() => null)
    if (!answer || answer.status >= 500) return null
    const body = new Uint8Array(await answer.arrayBuffer())
    if (answer.status === 200) return decode(reply, body)
    return /"code":"(\w+)"/.exec(new TextDecoder().decode(body))?.[1] ?? String(answer.status)
  })
}

/** The same for whoever must not be refused. @throws if it is */
export async function ask(device: Device, more: Partial<Request> = {}, hail = device.hail()): Promise<Reply> {
  const told = await deliver(device, device.request(hail, more))
  if (typeof told === 'string') throw new Error(`refused: ${told}`)
  if (told.device) device.number = told.device.number
  return told
}

/** Has a device registered. */
export async function register(device: Device): Promise<void> {
  const here = () => device.hail({ presence: PRESENCE.here })
  await until('a number', PATIENCE_MS, async () => (await ask(device, {}, here())).device !== null)
}

/** Mark, and the verdicts after `answered`, once the mark is so high. */
export async function standing(device: Device, mark: number, answered = 0): Promise<[number, number[]]> {
  return until(`a mark of ${mark}`, PATIENCE_MS, async () => {
    const told = (await ask(device, {}, device.hail({ answered }))).device
    return told && told.mark >= mark ? [told.mark, told.verdicts] : null
  })
}

/** An order of a device that is registered. */
export const orderOf = ({ id, number }: Device, numbered: number, body: number[]): Uint8Array =>
  encode(order, {
    protocol: 1,
    device: id,
    registration: number ?? 0,
    number: numbered,
    body: new Uint8Array(body),
  })

/** Sends an order once. */
export const sendOrder = ({ url, session }: Device, bytes: Uint8Array, send: Send, headers = {}): Promise<Response> =>
  send(`${url}/order`, {
    method: 'POST',
    body: bytes as Uint8Array<ArrayBuffer>,
    headers: { 'content-type': BATON_TYPE, authorization: `Bearer ${session.token}`, ...headers },
  })

/** Sends the same order until it is answered for certain: what became of it, or the code of a refusal. */
export async function placed(device: Device, bytes: Uint8Array, send: Send): Promise<OrderFate | string> {
  return until('the end of an order', PATIENCE_MS, async () => {
    const answer = await sendOrder(device, bytes, send).catch(() => null)
    if (!answer || answer.status >= 500) return null
    if (answer.status !== 200) return codeOf(answer)
    const { fate } = decode(ordered, new Uint8Array(await answer.arrayBuffer()))
    return fate.tag === 'waits' ? null : fate
  })
}

/** Hands in what a device does next, and waits for a result of each. @throws if it is refused as a whole */
export function handIn(device: Device, ...bodies: number[][]): Promise<number[]> {
  return handInAs(1, device, bodies)
}

/** The same of a device with rules of another version. */
export async function handInAs(version: number, device: Device, bodies: number[][]): Promise<number[]> {
  const from = device.seq + 1
  device.seq += bodies.length
  const told = await deliver(device, packetOf(device, from, bodies, version))
  if (typeof told === 'string') throw new Error(`refused: ${told}`)
  const at = told.device
  return at && at.mark >= device.seq ? at.verdicts : (await standing(device, device.seq, from - 1))[1]
}
