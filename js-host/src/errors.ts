/**
 * Refusals of a host: stable codes for programs, a sentence for people. They join those of
 * `crates/baton/src/error.rs`, which pass through as the handler wrote them; `busy`, `retry`,
 * `not_found`, `too_large`, `malformed` and `unauthorized` are the same codes with the same
 * meaning. Unless its sentence says otherwise, nothing changed.
 */

import type { Outcome } from './effect'

/** Status and sentence of each code. */
export const REFUSALS = {
  malformed: [400, 'The request is not what this route takes. Nothing changed.'],
  bad_name: [400, 'A room is named with 1 to 64 of A-Z a-z 0-9 _ -. Nothing changed.'],
  unauthorized: [401, 'Sign in first. Nothing changed.'],
  origin: [403, 'Not from this origin. Nothing changed.'],
  not_found: [404, 'There is no such thing here.'],
  method_not_allowed: [405, 'Not with this method. Nothing changed.'],
  too_large: [413, 'The request is over a limit. Nothing changed.'],
  media_type: [415, 'Not of this content type or encoding. Nothing changed.'],
  upgrade_required: [426, 'This is a WebSocket of protocol baton.v1.'],
  rate_limited: [429, 'Too many requests. Nothing changed; wait, then send the same again.'],
  internal: [500, 'Something is wrong here. Actions may have been taken: send the same again.'],
  restarted: [500, 'The handler broke on this and was restarted. Actions may have been taken: send the same again.'],
  busy: [503, 'The room is busy. Nothing changed; ask again.'],
  retry: [503, 'The outcome is unknown. Send the same again.'],
  misconfigured: [503, 'This host lacks a setting; its log says which. Nothing changed.'],
} as const satisfies Record<string, readonly [number, string]>

/** A stable code of a host's refusal. */
export type RefusalCode = keyof typeof REFUSALS

/** A refusal on its way to the caller, thrown by whoever notices. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly code: RefusalCode

  constructor(code: RefusalCode) {
    super(code)
    this.code = code
  }
}

/** The JSON of a refusal. */
export function refusalBody(code: RefusalCode): string {
  return JSON.stringify({ code, message: REFUSALS[code][1] })
}

/** A refusal as an outcome, so that it takes the same way as those of the handler. */
export function refusal(code: RefusalCode): Outcome {
  return { status: REFUSALS[code][0], content: 'json', body: new TextEncoder().encode(refusalBody(code)) }
}
