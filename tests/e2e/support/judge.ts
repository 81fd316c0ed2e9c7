/** Recorded histories and who judges them: `check-history` of the simulator. */

import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Bot } from './bot'
import type { History } from './history'

const ROOT = resolve(import.meta.dirname, '../../..')
const OUTPUT = join(ROOT, 'tests/output')
const CHECKER = ['--quiet', '--locked', '--package', 'baton-sim', '--bin', 'check-history']

/** What the judge says. */
export interface Verdict {
  /** Not 0: refused, 1 for a contradiction. */
  status: number
  said: string
}

function cargo(...words: string[]): Promise<Verdict> {
  return new Promise((done) => {
    const command = process.env.CARGO ?? 'cargo'
    const child = execFile(command, words, { cwd: ROOT }, (_, stdout, stderr) =>
      done({ status: child.exitCode ?? -1, said: stdout + stderr }),
    )
  })
}

/** Keeps a history for whoever wants to know more. Returns the file. */
export function keep(name: string, text: string): string {
  mkdirSync(OUTPUT, { recursive: true })
  const file = join(OUTPUT, `history-${name}.jsonl`)
  writeFileSync(file, text)
  return file
}

/** What `check-history` says of a file. */
export const judge = (file: string): Promise<Verdict> => cargo('run', ...CHECKER, '--', file)

/** Builds it, which may take minutes. @throws if that fails */
export async function buildJudge(): Promise<void> {
  const { status, said } = await cargo('build', ...CHECKER)
  if (status !== 0) throw new Error(said)
}

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
