import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

test('what is generated from the server is up to date: `npm run generate` writes it anew', () => {
  const script = fileURLToPath(new URL('../scripts/generate.mjs', import.meta.url))
  expect(() => execFileSync(process.execPath, [script, '--check'], { encoding: 'utf8' })).not.toThrow()
}, 60_000)
