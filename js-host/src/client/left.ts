/**
 * What other devices of this browser have not told yet, whose tabs are gone: this page tells it for them, lest it waits until
 * as many tabs are open again. One device after the other; must not know what is told.
 */

import type { Account, AccountState } from './account'
import type { Device } from './device'

/** Opens the account as a device has it; `heard` is called at each change, and with `true` if nothing more will come. */
export type OpenLeft = (device: Device, heard: (over?: true) => void) => Promise<Account>

/** Tells it, and lets go of each device. Where there is no network, it waits for one. */
export async function tellLeft(devices: AsyncIterable<Device>, open: OpenLeft): Promise<void> {
  for await (const device of devices) {
    try {
      await tell(device, open)
    } finally {
      device.release()
    }
  }
}

async function tell(device: Device, open: OpenLeft): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let account: Account | null = null
  const heard = (over?: true) => {
    if (over || (account && isOver(account.state))) resolve()
  }
  account = await open(device, heard)
  heard()
  await promise
  account.close()
  // Another tab may be this device next, and begins with what is on disk.
  await account.kept()
}

/** Nothing is left to tell, or nobody hears it from this page. */
function isOver({ pending, outdated }: AccountState): boolean {
  return pending === 0 || outdated
}
