/** Requests and answers as the platform lets them through: whole, within its limits. Knows nothing of who asks. */

import { type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http'

const PAYLOAD_BYTES = 4 * 1024 * 1024
const ANSWER_BYTES = 10 * 1024 * 1024
const REQUEST_MS = 30_000
/** How long an answer may still come after the app has stopped to listen. */
const ANSWER_MS = 50

/** Of one connection only; each has its own. */
const OF_CONNECTION = [
  ...['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'upgrade', 'te', 'trailer', 'expect', 'host'],
  ...['proxy-authenticate', 'proxy-authorization', 'proxy-connection'],
]

export interface Question {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: Buffer
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

export function answerOf(status: number, text: string): Answer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: Buffer.from(text) }
}

export function answerJson(value: unknown, status = 200): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(value)) }
}

/** The body of a request; `undefined` if it is more than the platform takes. */
export async function bodyOf(incoming: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length
    // The rest is read all the same, so that the answer arrives.
    if (bytes <= PAYLOAD_BYTES) chunks.push(chunk)
  }
  return bytes <= PAYLOAD_BYTES ? Buffer.concat(chunks) : undefined
}

export function passOn(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_CONNECTION.includes(name)))
}

export function send(outgoing: ServerResponse, { status, headers, body }: Answer, method = 'GET'): void {
  const named = { ...passOn(headers), 'content-length': String(body.length) }
  outgoing.writeHead(status, status === 204 || status === 304 ? passOn(headers) : named)
  outgoing.end(method === 'HEAD' ? undefined : body)
}

/**
 * Asks a process of loopback, under the name of a `host` if one is given. An answer that does not come, or is too big,
 * becomes one of the gateway's own.
 */
export function ask(port: number, { method, path, headers, body }: Question, host?: string): Promise<Answer> {
  return new Promise((answered) => {
    const length = body.length > 0 && { 'content-length': String(body.length) }
    const named = { ...passOn(headers), ...length, ...(host !== undefined && { host }) }
    const onward = request({ host: '127.0.0.1', port, method, path, headers: named, agent: false }, (answer) => {
      const chunks: Buffer[] = []
      let bytes = 0
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        chunks.push(chunk)
        if (bytes > ANSWER_BYTES) end(502, 'the answer is too big')
      })
      answer.on('error', () => end(502, 'the app ended in the middle of its answer'))
      answer.on('end', () => {
        clearTimeout(patience)
        answered({ status: answer.statusCode ?? 502, headers: answer.headers, body: Buffer.concat(chunks) })
      })
    })
    const end = (status: number, why: string) => {
      clearTimeout(patience)
      answered(answerOf(status, why))
      onward.destroy()
    }
    const patience = setTimeout(() => end(504, `the app took more than ${REQUEST_MS} ms`), REQUEST_MS)
    // Who answers before it has read all may close: the answer counts, if there is one.
    let begun = false
    onward.on('response', () => {
      begun = true
    })
    onward.on('error', () => setTimeout(() => begun || end(502, 'the app ended, or does not listen'), ANSWER_MS))
    onward.end(body)
  })
}
