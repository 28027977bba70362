import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

const KIB = 1024

/** What an application pays for an entry, minified and gzipped, without what it has already. */
async function weigh(entry: string, external: string[] = []): Promise<{ bytes: number; modules: string[] }> {
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(new URL(`../src/${entry}`, import.meta.url))],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    external,
    metafile: true,
    write: false,
  })
  const bytes = outputFiles.reduce((sum, file) => sum + gzipSync(file.contents, { level: 9 }).length, 0)
  return { bytes, modules: Object.keys(metafile.inputs) }
}

test('the core is below 12 KiB and depends on nothing', async () => {
  const { bytes, modules } = await weigh('index.ts')
  expect(bytes).toBeLessThan(12 * KIB)
  expect(modules.filter((module) => module.includes('node_modules'))).toEqual([])
})

test('the React binding is below 3 KiB, and brings no second copy of the core', async () => {
  const { bytes, modules } = await weigh('react/index.ts', ['react'])
  expect(bytes).toBeLessThan(3 * KIB)
  expect(modules.map((module) => module.replace(/^.*src\//, ''))).toEqual(['react/index.ts'])
})

test('the fake server is no part of the core', async () => {
  const { modules } = await weigh('index.ts')
  expect(modules.filter((module) => module.includes('testing'))).toEqual([])
})
