// Compresses the built page once and well, so that the server need not: `X.br` and `X.gz` beside each `X`.
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

const DIST = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist')
const TEXT = new Set(['.css', '.html', '.js', '.json', '.map', '.svg', '.txt', '.webmanifest'])

/** Below this a response is a packet or two in any case. */
const WORTH_BYTES = 1024

const brotli = promisify(brotliCompress)
const deflate = promisify(gzip)

async function compress(file) {
  const plain = await readFile(file)
  if (plain.length < WORTH_BYTES) return
  const params = { [constants.BROTLI_PARAM_SIZE_HINT]: plain.length }
  await writeFile(`${file}.br`, await brotli(plain, { params }))
  await writeFile(`${file}.gz`, await deflate(plain, { level: constants.Z_BEST_COMPRESSION }))
}

const entries = await readdir(DIST, { recursive: true, withFileTypes: true })
const files = entries.filter((entry) => entry.isFile() && TEXT.has(extname(entry.name)))
await Promise.all(files.map((file) => compress(join(file.parentPath ?? file.path, file.name))))
