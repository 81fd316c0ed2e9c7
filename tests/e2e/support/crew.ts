/** Several bots in one room, and what they do together. Must not know which host they ask. */

import { expect } from 'vitest'
import { Bot } from './bot'
import { compare } from './browser'

/** As long as an action may take while hosts come and go. */
const PATIENCE_MS = 60_000

/** Who plays together. */
export class Crew {
  readonly bots: Bot[]
  /** Turns that were answered, the one with which each began among them. */
  turns = 0

  private constructor(bots: Bot[]) {
    this.bots = bots
  }

  /** So many new guests, who have not asked yet. `send`: how each of them asks. */
  static async of(count: number, url: string, room: string, send: (index: number) => Bot['send']): Promise<Crew> {
    return new Crew(await Promise.all(Array.from({ length: count }, (_, index) => Bot.of(url, room, send(index)))))
  }

  /** The same, once all of them are part of the room and it plays. */
  static async playing(count: number, url: string, room: string, send: (index: number) => Bot['send']): Promise<Crew> {
    const crew = await Crew.of(count, url, room, send)
    await crew.all((bot) => bot.until('a player who has joined', () => bot.status() === 'live', PATIENCE_MS))
    await crew.all((bot) => bot.plays(PATIENCE_MS))
    crew.turns = count
    return crew
  }

  all<T>(each: (bot: Bot, index: number) => Promise<T>): Promise<T[]> {
    return Promise.all(this.bots.map(each))
  }

  /** Each walks, turn after turn, while `work` lasts; every turn is answered, and taken if `taken`; else it is passed by who cannot walk. Returns what came of it. */
  async walking<T>(work: () => Promise<T>, taken = true): Promise<T> {
    let over = false
    const walked = this.all(async (bot, from) => {
      for (let turn = 0; !over; turn += 1) {
        const angle = (from + turn) % 32
        if (taken) expect(await bot.steer(angle, PATIENCE_MS)).toBe(0)
        else await bot.tryToSteer(angle, PATIENCE_MS)
        this.turns += 1
      }
    })
    // Whichever fails first tells why.
    const ended = work().finally(() => {
      over = true
    })
    const [done] = await Promise.all([ended, walked])
    return done
  }

  /** What is wrong if they do not all see one history; at least `least` versions must be shared. */
  differences(least: number): string[] {
    const [first] = this.bots as [Bot]
    return this.bots.flatMap((bot, index) => {
      const { equal, differ } = compare(bot.history(), first.history())
      const found = differ.map((version) => `bot ${index} has another version ${version}`)
      return equal < least ? [...found, `bot ${index} shares ${equal} versions`] : found
    })
  }
}
