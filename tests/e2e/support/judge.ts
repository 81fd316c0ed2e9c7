/** Recorded histories and who judges them: `check-history` of the simulator. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bot } from './bot'
import { buildProgram, ROOT, runProgram } from './cargo'
import type { History } from './history'

const OUTPUT = join(ROOT, 'tests/output')
const CHECKER = ['baton-sim', 'check-history'] as const

/** Keeps a history for whoever wants to know more. Returns the file. */
export function keep(name: string, text: string): string {
  mkdirSync(OUTPUT, { recursive: true })
  const file = join(OUTPUT, `history-${name}.jsonl`)
  writeFileSync(file, text)
  return file
}

/** What `check-history` says of a file: its status is not 0 if it refuses, 1 for a contradiction. */
export const judge = (file: string) => runProgram(...CHECKER, file)

/** Builds it, which may take minutes. @throws if that fails */
export const buildJudge = () => buildProgram(...CHECKER)

/** Every fifth request comes twice, of every seventh the reply is lost. */
export function disturbed(history: History, player: string, way: Bot['send'] = fetch): Bot['send'] {
  let count = 0
  const again = history.record(`${player}, again`, way)
  return history.record(player, async (url, init) => {
    count += 1
    if (count % 5 === 0) again(url, init).catch(() => null)
    const answer = await way(url, init)
    if (count % 7 === 0) throw new Error('the reply is lost')
    return answer
  })
}

/** The same history without the last action that is in its log. */
export function forge(text: string): string {
  const lines = text.split('\n')
  const last = lines.findLastIndex((line) => line.includes('{"act":'))
  lines[last] = (lines[last] ?? '').replace(/,?\{"act":\[[^\]]*\]\}/g, '').replace('[,', '[')
  return lines.join('\n')
}
