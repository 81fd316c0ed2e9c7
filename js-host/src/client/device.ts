/**
 * What a browser must not forget between page loads: its devices, their queues, and rooms for a
 * faster start, in IndexedDB. Decides which device a tab is: two tabs never share one, since both
 * would number their actions. Must not know what is in a queue or a room.
 *
 * A save is awaited before anything in it is sent. The browser may still lose it when the power
 * goes: then a number can come twice with another action, which the room refuses, and the device
 * takes a new id.
 */

import { type DBSchema, type IDBPDatabase, openDB } from 'idb'

/** Devices of one user in one room, at most: as the room's own limit. */
const MAX_DEVICES = 8
/** How long a reload waits for the page before it to be gone. */
const RELOAD_MS = 1_000
const SLOT_KEY = 'baton.slot'
const SLOTS = Array.from({ length: MAX_DEVICES }, (_, slot) => String(slot))
const lockOf = (user: string, slot: string) => `baton.device/${user}/${slot}`

interface Kept extends DBSchema {
  /** 16 bytes, by `user/slot`. */
  devices: { key: string; value: Uint8Array }
  /** A replica's saved bytes, by `user/slot/room`; and what else is a device's own, by a name that no room has. */
  queues: { key: string; value: Uint8Array }
  /** A room's saved bytes, by room. */
  rooms: { key: string; value: Uint8Array }
}

type Table = 'devices' | 'queues' | 'rooms'

/** A device of this browser, ours alone until {@link Device.release}. */
export interface Device {
  /** 16 bytes. */
  readonly id: Uint8Array
  /** Whether what is saved survives the page. If not, a reload is a new device. */
  readonly durable: boolean
  loadQueue(room: string): Promise<Uint8Array | undefined>
  /** Resolves when it is written. */
  saveQueue(room: string, bytes: Uint8Array): Promise<void>
  /** What another device of this user in this browser, which no tab has now, kept under a name: it is this one's from now on. */
  adopt(room: string): Promise<Uint8Array | undefined>
  loadRoom(room: string): Promise<Uint8Array | undefined>
  saveRoom(room: string, bytes: Uint8Array): Promise<void>
  release(): void
}

/** All devices of this browser are used by other tabs. */
export class TooManyTabs extends Error {
  override readonly name = 'TooManyTabs'
}

/** Takes a device for a user: the first that no other tab has. @throws TooManyTabs */
export async function takeDevice(user: string, newDevice: () => Uint8Array): Promise<Device> {
  const slot = await takeSlot(user)
  const store = slot.shared ? await openStore() : new Memory()
  const key = `${user}/${slot.name}`
  let id = await store.get('devices', key)
  if (id?.length !== 16) {
    id = newDevice()
    await store.put('devices', key, id)
  }
  return deviceOf(user, slot, store, id)
}

/**
 * Devices of this user in this browser that no tab has now, and that kept something under a name. Each is held until it is
 * released, which has to be before the next one is asked for.
 */
export async function* leftDevices(user: string, room: string): AsyncGenerator<Device> {
  const store = await openStore()
  for (const name of SLOTS) {
    // Where there are no locks, there are no others.
    const release = await hold(lockOf(user, name), { ifAvailable: true }).catch(() => null)
    if (!release) continue
    const id = await store.get('devices', `${user}/${name}`)
    const kept = await store.get('queues', `${user}/${name}/${room}`)
    if (id?.length === 16 && kept?.length) yield deviceOf(user, { name, shared: true, release }, store, id)
    else release()
  }
}

function deviceOf(user: string, slot: Slot, store: Store, id: Uint8Array): Device {
  const key = `${user}/${slot.name}`
  return {
    id,
    get durable() {
      return store.durable
    },
    loadQueue: (room) => store.get('queues', `${key}/${room}`),
    saveQueue: (room, bytes) => store.put('queues', `${key}/${room}`, bytes),
    adopt: async (room) => (slot.shared ? adopt(store, user, slot.name, room) : undefined),
    loadRoom: (room) => store.get('rooms', room),
    saveRoom: (room, bytes) => store.put('rooms', room, bytes),
    release: slot.release,
  }
}

async function adopt(store: Store, user: string, own: string, room: string): Promise<Uint8Array | undefined> {
  for (const name of SLOTS.filter((each) => each !== own)) {
    const release = await hold(lockOf(user, name), { ifAvailable: true })
    if (!release) continue
    try {
      const theirs = `${user}/${name}/${room}`
      const kept = await store.get('queues', theirs)
      if (!kept?.length) continue
      // Here first: should the page be gone in between, it is there twice.
      await store.put('queues', `${user}/${own}/${room}`, kept)
      await store.put('queues', theirs, new Uint8Array())
      return kept
    } finally {
      release()
    }
  }
  return undefined
}

interface Slot {
  name: string
  /** Whether other tabs can see that it is taken: without, nothing may be read that they wrote. */
  shared: boolean
  release(): void
}

async function takeSlot(user: string): Promise<Slot> {
  const alone = { name: '0', shared: false, release: () => {} }
  if (!('locks' in navigator)) return alone
  return takeFreeSlot(user).catch((error: unknown) => {
    if (error instanceof TooManyTabs) throw error
    // Refused, as storage is in some frames.
    return alone
  })
}

async function takeFreeSlot(user: string): Promise<Slot> {
  const before = lastSlot.read()
  const take = async (name: string, options: LockOptions): Promise<Slot | null> => {
    const release = await hold(lockOf(user, name), options)
    if (!release) return null
    lastSlot.write(name)
    return { name, shared: true, release }
  }
  // After a reload the page before may hold its slot for a moment longer.
  if (before !== null && SLOTS.includes(before)) {
    const again = await take(before, { signal: AbortSignal.timeout(RELOAD_MS) })
    if (again) return again
  }
  for (const name of SLOTS) {
    const slot = await take(name, { ifAvailable: true })
    if (slot) return slot
  }
  throw new TooManyTabs('all devices of this browser are in use')
}

/** Holds a lock until the returned function is called or the page is gone; null if it cannot be had. */
function hold(name: string, options: LockOptions): Promise<(() => void) | null> {
  return new Promise((resolve, reject) => {
    const held = navigator.locks.request(name, options, (lock) => {
      if (!lock) {
        resolve(null)
        return undefined
      }
      return new Promise<void>((release) => resolve(release))
    })
    held.catch((error: unknown) => {
      if (options.signal?.aborted) resolve(null)
      else reject(error)
    })
  })
}

/** The slot that this tab had before a reload. A copied tab has it too, and finds it taken. */
const lastSlot = {
  read(): string | null {
    try {
      return sessionStorage.getItem(SLOT_KEY)
    } catch {
      return null
    }
  },
  write(name: string): void {
    try {
      sessionStorage.setItem(SLOT_KEY, name)
    } catch {
      // Storage is blocked: any free slot will do.
    }
  },
}

interface Store {
  readonly durable: boolean
  get(table: Table, key: string): Promise<Uint8Array | undefined>
  put(table: Table, key: string, value: Uint8Array): Promise<void>
}

/** IndexedDB, or memory where there is none (private windows of some browsers). */
async function openStore(): Promise<Store> {
  try {
    const database = await openDB<Kept>('baton', 1, {
      upgrade(fresh) {
        for (const table of ['devices', 'queues', 'rooms'] as const) fresh.createObjectStore(table)
      },
    })
    return new Persistent(database)
  } catch {
    return new Memory()
  }
}

class Persistent implements Store {
  readonly #database: IDBPDatabase<Kept>
  /** What could not be written any more, when the disk is full or the browser took the database away. */
  readonly #unwritten = new Memory()
  durable = true

  constructor(database: IDBPDatabase<Kept>) {
    this.#database = database
  }

  async get(table: Table, key: string): Promise<Uint8Array | undefined> {
    const unwritten = await this.#unwritten.get(table, key)
    return unwritten ?? this.#database.get(table, key).catch(() => undefined)
  }

  async put(table: Table, key: string, value: Uint8Array): Promise<void> {
    try {
      await this.#database.put(table, value, key)
    } catch {
      this.durable = false
      await this.#unwritten.put(table, key, value)
    }
  }
}

class Memory implements Store {
  readonly durable = false
  readonly #values = new Map<string, Uint8Array>()

  async get(table: Table, key: string): Promise<Uint8Array | undefined> {
    return this.#values.get(`${table}/${key}`)
  }

  async put(table: Table, key: string, value: Uint8Array): Promise<void> {
    this.#values.set(`${table}/${key}`, value)
  }
}
