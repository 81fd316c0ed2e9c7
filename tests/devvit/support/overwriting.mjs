/**
 * A store that does not keep what is there, before the program of a process begins (`node --import`): what should only be
 * created if it is absent is written over.
 */

import { Socket } from 'node:net'

const { write } = Socket.prototype
const CREATE = '$6\r\nHSETNX\r\n'
const WRITE = '$4\r\nHSET\r\n'

Socket.prototype.write = function overwriting(said, ...rest) {
  const changed = typeof said === 'string' ? said.replaceAll(CREATE, WRITE) : said
  return Reflect.apply(write, this, [changed, ...rest])
}
