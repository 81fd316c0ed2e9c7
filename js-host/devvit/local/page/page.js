/**
 * Stands for Reddit around the embeds: frames them, obeys their effects, hands them what is sent by realtime. The formats
 * are those of `@devvit/client`, `@devvit/realtime/client` and `@devvit/web-view-scripts`.
 */

/** `WebViewImmersiveMode` */
const INLINE = 1
const IMMERSIVE = 2
/** `RealtimeSubscriptionStatus` */
const SUBSCRIBED = 0
const UNSUBSCRIBED = 1
const TOAST_MS = 4_000
const AGAIN_MS = 1_000

const query = new URLSearchParams(location.search)
const user = query.get('user') ?? ''
const width_px = Number(query.get('width') ?? 390)
const HEIGHTS = { short: 160, regular: 320, tall: 512 }

const byId = (id) => document.getElementById(id)

function make(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties)
  element.append(...children)
  return element
}

/** The same page with some of its parameters changed. */
function go(changes) {
  for (const [name, value] of Object.entries(changes)) {
    if (value) query.set(name, value)
    else query.delete(name)
  }
  location.search = query
}

function toast(text) {
  const output = byId('toast')
  output.textContent = text
  output.hidden = false
  setTimeout(() => {
    output.hidden = output.textContent === text
  }, TOAST_MS)
}

/** Every frame that shows an embed: by its window, its post, its origin, the channels it wants and those it has. */
const embeds = new Map()

async function bridgeFor(post, mode) {
  const answer = await fetch(`/__local/bridge?${new URLSearchParams({ user, post, mode })}`)
  if (!answer.ok) throw new Error(`${post}: ${await answer.text()}`)
  return answer.json()
}

/** Frames an embed's page. Its context is in the name of the frame, which outlives a change of page. */
async function frame(post, parent, { mode, src }) {
  const bridge = await bridgeFor(post, mode)
  const iframe = make('iframe', { name: bridge.context, title: post, allow: 'clipboard-write; fullscreen' })
  iframe.setAttribute('sandbox', 'allow-scripts allow-same-origin allow-popups allow-modals')
  iframe.src = src ?? bridge.src
  parent.append(iframe)
  embeds.set(iframe.contentWindow, { iframe, post, origin: bridge.origin, wants: [], has: new Set() })
  return iframe
}

function tell({ iframe, origin }, data) {
  iframe.contentWindow?.postMessage({ type: 'devvit-message', data }, origin)
}

// Realtime: one stream of events for the whole page, which names what all frames want.

let stream
let streamId

function open() {
  stream = new EventSource('/__local/realtime')
  stream.addEventListener('open', ({ data }) => {
    // The stream's own name; an event of the connection itself has none.
    if (data === undefined) return
    streamId = JSON.parse(data)
    subscribe()
  })
  stream.addEventListener('message', ({ data }) => {
    const event = JSON.parse(data)
    for (const embed of embeds.values()) {
      // Without a status: zero would say that it is subscribed.
      if (embed.has.has(event.channel)) tell(embed, { realtimeEvent: { event } })
    }
  })
  stream.addEventListener('error', () => {
    stream.close()
    streamId = undefined
    for (const embed of embeds.values()) {
      for (const channel of embed.has) lose(embed, channel)
    }
    setTimeout(open, AGAIN_MS)
  })
}

// A page that is left may be kept by the browser, and its stream would be one of the six.
addEventListener('pagehide', () => stream?.close())
addEventListener('pageshow', ({ persisted }) => persisted && open())

function lose(embed, channel) {
  embed.has.delete(channel)
  tell(embed, { realtimeEvent: { status: UNSUBSCRIBED, event: { channel } } })
}

/** One after the other, so that the last one wins. */
let asked = Promise.resolve()

function subscribe() {
  asked = asked.then(async () => {
    const id = streamId
    if (id === undefined) return
    const wanted = [...new Set([...embeds.values()].flatMap(({ wants }) => wants))]
    const body = JSON.stringify({ channels: wanted })
    const answer = await fetch(`/__local/realtime/${id}`, { method: 'POST', body }).catch(() => undefined)
    if (!answer?.ok || id !== streamId) return
    const { channels } = await answer.json()
    for (const embed of embeds.values()) {
      const wants = channels.filter((_, at) => embed.wants.includes(wanted[at]))
      for (const channel of embed.has) if (!wants.includes(channel)) lose(embed, channel)
      for (const channel of wants) {
        if (embed.has.has(channel)) continue
        embed.has.add(channel)
        tell(embed, { realtimeEvent: { status: SUBSCRIBED, event: { channel } } })
      }
    }
  })
}

// Expanded mode: another page of the app over the feed, whose frame goes on below; or the same frame, made larger.

let collapse = () => {}

async function expand(embed, entryUrl) {
  collapse()
  const shade = byId('expanded')
  if (entryUrl !== undefined && new URL(entryUrl).origin !== embed.origin) return toast(`not the app's: ${entryUrl}`)
  shade.hidden = false
  if (entryUrl === undefined) {
    shade.classList.add('in-place')
    embed.iframe.classList.add('expanded')
    tell(embed, { immersiveModeEvent: { immersiveMode: IMMERSIVE } })
    collapse = () => {
      shade.classList.remove('in-place')
      embed.iframe.classList.remove('expanded')
      tell(embed, { immersiveModeEvent: { immersiveMode: INLINE } })
      done()
    }
  } else {
    const iframe = await frame(embed.post, shade, { mode: 'expanded', src: entryUrl })
    collapse = () => {
      embeds.delete(iframe.contentWindow)
      iframe.remove()
      subscribe()
      embed.iframe.focus()
      done()
    }
  }
  const done = () => {
    shade.hidden = true
    collapse = () => {}
  }
}

/** Where a link of Reddit's leads here. */
function navigate(url) {
  const { origin, pathname, searchParams } = new URL(url)
  const [, id] = /\/comments\/(?:t3_)?(\w+)/.exec(pathname) ?? []
  if (id) go({ post: `t3_${id}` })
  else if (origin === location.origin) go(Object.fromEntries(searchParams))
  else toast(`Reddit would go to ${url}`)
}

async function obey(embed, message) {
  if (message.realtime) {
    embed.wants = message.realtime.subscriptionIds
    subscribe()
  } else if (message.immersiveMode) {
    const { immersiveMode, entryUrl } = message.immersiveMode
    if (immersiveMode === IMMERSIVE) await expand(embed, entryUrl)
    else collapse()
  } else if (message.loginPrompt) {
    byId('login').showModal()
  } else if (message.showToast) {
    toast(message.showToast.toast.text)
  } else if (message.navigateToUrl) {
    navigate(message.navigateToUrl.url)
  } else if (message.updateRequestContext) {
    const { token } = await bridgeFor(embed.post, 'inline')
    tell(embed, { id: message.id, updateRequestContext: { signedRequestContext: token } })
  } else if (!message.telemetry) {
    toast(`not emulated: ${Object.keys(message).join(', ')}`)
  }
}

addEventListener('message', (event) => {
  const embed = embeds.get(event.source)
  if (embed?.origin !== event.origin || event.data?.type !== 'devvit-internal') return
  obey(embed, event.data).catch((error) => toast(String(error)))
})

// The feed.

async function press(at) {
  const answer = await fetch(`/__local/menu/${at}`, { method: 'POST' })
  const { status, posts, answer: text } = await answer.json()
  if (posts.length > 0) return go({ post: posts.at(-1) })
  toast(`${status}: ${text}`)
}

async function show() {
  const { app, users, menu, posts } = await (await fetch('/__local/feed')).json()
  document.title = `${app} on local Devvit`
  const names = users.includes(user) || user === '' ? users : [...users, user]
  byId('user').append(new Option('nobody: logged out', ''), ...names.map((name) => new Option(`u/${name}`, name)))
  byId('user').value = user
  byId('user').addEventListener('change', ({ target }) => go({ user: target.value }))
  if (![...byId('width').options].some(({ value }) => Number(value) === width_px)) {
    byId('width').append(new Option(`${width_px}`, width_px))
  }
  byId('width').value = width_px
  byId('width').addEventListener('change', ({ target }) => go({ width: target.value }))
  byId('menu').append(
    ...menu.map((label, at) => make('button', { textContent: label, onclick: () => press(at).catch(toast) })),
  )
  byId('close').addEventListener('click', () => collapse())
  byId('logins').append(
    ...users.map((name) => make('button', { textContent: name, onclick: () => go({ user: name }) })),
  )
  open()
  const only = query.get('post')
  for (const { id, title, height_px } of posts) {
    if (only && id !== only) continue
    const card = make('article', { id }, make('h2', { textContent: title }))
    card.style.width = `${width_px}px`
    byId('feed').append(card)
    const iframe = await frame(id, card, { mode: 'inline' })
    const height = HEIGHTS[query.get('height')] ?? (Number(query.get('height')) || height_px)
    iframe.style.setProperty('--height', `${height}px`)
  }
}

show().catch((error) => toast(String(error)))
