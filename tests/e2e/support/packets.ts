/**
 * Packets of a device: requests that are written once and delivered as often, in whatever order and to whatever process a
 * test likes. Decides when a delivery counts as made; must not know what is in a packet.
 */

import type { Device } from '../device'
import { decode, PRESENCE, type Reply, type Request, reply } from '../wire'
import { until } from './browser'

/** Longer than a host may take to come back. */
const PATIENCE_MS = 60_000

/** What a packet was answered: a reply, or the code of a refusal. */
export type Told = Reply | string

/** The request with which a device hands in actions, from a sequence on. */
export const packetOf = (device: Device, from: number, bodies: number[][]): Uint8Array =>
  device.request(
    device.hail({
      answered: from - 1,
      actions: bodies.map((body, at) => ({ seq: from + at, version: 1, body: new Uint8Array(body) })),
    }),
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

/** Hands in what a device does next, and waits for a result of each. @throws if it is refused as a whole */
export async function handIn(device: Device, ...bodies: number[][]): Promise<number[]> {
  const from = device.seq + 1
  device.seq += bodies.length
  const told = await deliver(device, packetOf(device, from, bodies))
  if (typeof told === 'string') throw new Error(`refused: ${told}`)
  const at = told.device
  return at && at.mark >= device.seq ? at.verdicts : (await standing(device, device.seq, from - 1))[1]
}
