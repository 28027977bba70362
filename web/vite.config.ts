import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import react from '@vitejs/plugin-react'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'
import { LOCALES } from './src/i18n/locales.ts'

const server = process.env.GATOR_URL ?? 'http://127.0.0.1:8000'

/** Serves the names of emoji from our own host, one folder per language of the page, at `/emoji/LOCALE/`. */
function emojiNames(): Plugin {
  const folder = dirname(createRequire(import.meta.url).resolve('emojibase-data/package.json'))
  const files = LOCALES.flatMap((locale) => [`${locale}/data.json`, `${locale}/messages.json`])
  return {
    name: 'emoji-names',
    configureServer({ middlewares }) {
      middlewares.use('/emoji', async (request, response, next) => {
        const file = files.find((each) => request.url === `/${each}`)
        if (!file) return next()
        response.setHeader('Content-Type', 'application/json')
        response.end(await readFile(join(folder, file)))
      })
    },
    async generateBundle() {
      for (const file of [...files, 'LICENSE']) {
        this.emitFile({
          type: 'asset',
          fileName: `emoji/${file}`,
          source: await readFile(join(folder, file)),
        })
      }
    },
  }
}

export default defineConfig({
  plugins: [react(), emojiNames()],
  resolve: { dedupe: ['react', 'react-dom'] },
  // An inlined asset would be a `data:` address, which the page's policy has no need to allow.
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    // The page carries others' work; their licences go with it.
    license: { fileName: 'licenses.md' },
  },
  server: {
    proxy: {
      '/api': { target: server },
      '/ws': { target: server, ws: true, rewriteWsOrigin: true },
    },
  },
  test: { environment: 'jsdom', include: ['tests/**/*.test.{ts,tsx}'], restoreMocks: true },
})
