/**
 * Very many readers of a few URLs: requests written one after the other into kept connections without waiting for the
 * answers in between, which is all that a proxy's cache needs to be asked a hundred thousand times in a few seconds. Must
 * not know what is read.
 */

import { connect } from 'node:net'

const CONNECTIONS = 8
/** Requests on their way in one connection. */
const DEPTH = 100

/** What came, by path: each body once, with how often it came. */
export type Bodies = Map<string, Map<string, number>>

/** Asks `count` times, for the paths in turn. @throws on any answer that is not 200 */
export async function readAll(
  port: number,
  paths: string[],
  count: number,
  bodies: Bodies = new Map(),
): Promise<Bodies> {
  const share = Array.from({ length: CONNECTIONS }, (_, index) => Math.floor((count + index) / CONNECTIONS))
  let turn = 0
  const next = () => paths[turn++ % paths.length] ?? '/'
  await Promise.all(share.map((mine) => readSome(port, next, mine, bodies)))
  return bodies
}

function readSome(port: number, next: () => string, count: number, bodies: Bodies): Promise<void> {
  return new Promise((done, failed) => {
    const socket = connect(port, '127.0.0.1')
    const asked: string[] = []
    let sent = 0
    let came = 0
    let rest = Buffer.alloc(0)
    const ask = () => {
      let text = ''
      for (; sent < count && sent - came < DEPTH; sent += 1) {
        const path = next()
        asked.push(path)
        text += `GET ${path} HTTP/1.1\r\nhost: baton.test\r\n\r\n`
      }
      if (text) socket.write(text)
    }
    const take = () => {
      for (;;) {
        const answer = answerIn(rest)
        if (!answer) return
        rest = rest.subarray(answer.length)
        if (answer.status !== 200) throw new Error(`${asked[0]}: ${answer.status} ${answer.body}`)
        const of = bodies.get(asked[0] ?? '') ?? new Map<string, number>()
        bodies.set(asked.shift() ?? '', of.set(answer.body, (of.get(answer.body) ?? 0) + 1))
        came += 1
      }
    }
    socket.on('data', (chunk) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      try {
        take()
      } catch (error) {
        socket.destroy()
        failed(error)
        return
      }
      if (came === count) socket.end(done)
      else if (sent - came <= DEPTH / 2) ask()
    })
    socket.on('error', failed)
    socket.on('close', () => failed(new Error(`closed after ${came} of ${count}`)))
    if (count === 0) socket.end(done)
    else ask()
  })
}

/** The first whole answer: its length, status, and body as latin1; null if it is not there yet. */
function answerIn(bytes: Buffer): { length: number; status: number; body: string } | null {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return null
  const head = bytes.toString('latin1', 0, end).toLowerCase()
  const status = Number(head.slice(9, 12))
  const from = end + 4
  const announced = /\r\ncontent-length: (\d+)/.exec(head)?.[1]
  if (announced !== undefined) {
    const length = from + Number(announced)
    return bytes.length < length ? null : { length, status, body: bytes.toString('latin1', from, length) }
  }
  let body = ''
  for (let at = from; ; ) {
    const line = bytes.indexOf('\r\n', at)
    if (line < 0) return null
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16)
    const next = line + 2 + size + 2
    if (bytes.length < next) return null
    if (size === 0) return { length: next, status, body }
    body += bytes.toString('latin1', line + 2, line + 2 + size)
    at = next
  }
}
