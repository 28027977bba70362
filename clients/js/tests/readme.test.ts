import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

const HERE = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(join(HERE, 'README.md'), 'utf8')
const snippets = [...readme.matchAll(/^```(tsx?)\n(.*?)^```$/gms)].map(([, kind = '', code = '']) => ({
  kind,
  code,
}))
// Below the package, so that what the snippets import is found.
const folder = mkdtempSync(join(HERE, 'node_modules/.readme-'))

afterAll(() => rmSync(folder, { recursive: true }))

test('every snippet of README.md is valid TypeScript of this version', () => {
  expect(snippets.length).toBeGreaterThan(8)
  for (const [index, { kind, code }] of snippets.entries()) {
    writeFileSync(join(folder, `snippet-${index}.${kind}`), `${code}\nexport {}\n`)
  }
  const paths = {
    '@gator/chat': ['../../src/index.ts'],
    '@gator/chat/react': ['../../src/react/index.ts'],
    '@gator/chat/testing': ['../../src/testing/index.ts'],
  }
  const compilerOptions = { rootDir: '../..', paths, types: ['node'] }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../tsconfig.json',
      compilerOptions,
      include: ['*.ts', '*.tsx'],
      exclude: [],
    }),
  )
  const tsc = join(HERE, 'node_modules/.bin/tsc')
  let complaints = ''
  try {
    execFileSync(tsc, ['--noEmit', '-p', folder], { cwd: HERE, encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    complaints = (error as { stdout: string }).stdout
  }
  expect(complaints).toBe('')
}, 60_000)

test('what README.md says to write in a test is a test that passes', async () => {
  const snippet = snippets.find(({ code }) => code.includes('@gator/chat/testing'))
  const own = readFileSync(join(HERE, 'tests/readme-example.test.ts'), 'utf8')
  // Only the imports differ, which lead to the sources here.
  const body = (code: string) => code.slice(code.indexOf('test(')).trim()
  expect(body(own)).toBe(body(snippet?.code ?? ''))
})
