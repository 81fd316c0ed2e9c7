/** Programs of the workspace, as tests compile them. Decides how they are built and run; must not know what they do. */

import { execFile } from 'node:child_process'
import { resolve } from 'node:path'

export const ROOT = resolve(import.meta.dirname, '../../..')

/** How a program ended, and what it printed. */
export interface Ended {
  status: number
  said: string
}

function cargo(verb: 'build' | 'run', packaged: string, program: string, words: string[]): Promise<Ended> {
  return new Promise((done) => {
    const command = process.env.CARGO ?? 'cargo'
    const which = [verb, '--quiet', '--locked', '--package', packaged, '--bin', program]
    const child = execFile(command, [...which, ...words], { cwd: ROOT }, (_, stdout, stderr) =>
      done({ status: child.exitCode ?? -1, said: stdout + stderr }),
    )
  })
}

/** Builds one, which may take minutes. @throws if that fails */
export async function buildProgram(packaged: string, program: string): Promise<void> {
  const { status, said } = await cargo('build', packaged, program, [])
  if (status !== 0) throw new Error(said)
}

/** Runs one, to its end. */
export function runProgram(packaged: string, program: string, ...words: string[]): Promise<Ended> {
  return cargo('run', packaged, program, ['--', ...words])
}
