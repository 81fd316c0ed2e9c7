/** Programs of the workspace, as tests compile them. Decides how they are built and run; must not know what they do. */

import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'

export const ROOT = resolve(import.meta.dirname, '../../..')

/** What a program prints is heard to its end, up to so many bytes. */
const SAID = 64 * 1024 * 1024

/** How a program ended, and what it printed. */
export interface Ended {
  status: number
  said: string
}

function cargo(
  verb: 'build' | 'run',
  packaged: string,
  program: string,
  words: string[],
  hear: (line: string) => void = () => {},
): Promise<Ended> {
  return new Promise((done) => {
    const command = process.env.CARGO ?? 'cargo'
    const which = [verb, '--quiet', '--locked', '--package', packaged, '--bin', program]
    const child = execFile(command, [...which, ...words], { cwd: ROOT, maxBuffer: SAID }, (_, stdout, stderr) =>
      done({ status: child.exitCode ?? -1, said: stdout + stderr }),
    )
    if (child.stdout) createInterface(child.stdout).on('line', hear)
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

/** The same; each line that it prints is told as it comes. */
export function followProgram(
  packaged: string,
  program: string,
  words: string[],
  hear: (line: string) => void,
): Promise<Ended> {
  return cargo('run', packaged, program, ['--', ...words], hear)
}
