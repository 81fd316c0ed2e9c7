/**
 * The program of a Devvit app: one file, started by the platform, with the wasm inside. Decides nothing: it hands the
 * platform's packages to the host.
 */

import { realtime } from '@devvit/realtime/server'
import { reddit } from '@devvit/reddit'
import { redis } from '@devvit/redis'
import { context, createServer, getServerPort } from '@devvit/server'
import { getRequestListener } from '@hono/node-server'
import settings from '../../devvit/settings.json'
import { makeFace } from '../load/wasm-devvit'
import { log } from '../log'
import { trouble } from '../settings'
import { openDevvit } from './devvit'

/** What the installation is called in what the platform says of a request. */
const INSTALLATION = 'devvit-installation'

// The platform's server rejects, where nobody hears it, what it cannot read of a request: the others go on.
process.on('unhandledRejection', (error) => log('error', 'unhandled', trouble(error)))

try {
  const app = openDevvit({
    makeFace,
    // The platform gives an app no variables: what is set is in the bundle.
    environment: { ...settings, ...process.env },
    platform: {
      redis,
      send: (channel, { frames }) => realtime.send(channel, { frames }),
      createPost: async () => {
        const { id, permalink } = await reddit.submitCustomPost({
          title: 'Contagion: hold out until the rescue',
          entry: 'default',
          textFallback: {
            text: 'A game for many players. Open this post in the Reddit app or on www.reddit.com to play.',
          },
        })
        return { id, address: new URL(permalink, 'https://www.reddit.com').href }
      },
      origin: () => {
        const { userId, username, postId, subredditId, metadata } = context
        return {
          installation: metadata[INSTALLATION]?.values[0] ?? subredditId,
          post: postId ?? null,
          who: userId ? { user: userId, name: username ?? userId } : null,
        }
      },
    },
  })
  createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false })).listen(getServerPort())
} catch (error) {
  log('error', 'misconfigured', trouble(error))
  process.exitCode = 1
}
