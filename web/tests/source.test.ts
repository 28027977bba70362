// @vitest-environment node
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import de from '../src/i18n/de.json'
import en from '../src/i18n/en.json'

interface Catalog {
  readonly [key: string]: string | Catalog
}

function entries(catalog: Catalog, prefix = ''): [key: string, text: string][] {
  return Object.entries(catalog).flatMap(([key, value]) =>
    typeof value === 'string'
      ? [[prefix + key, value] as [string, string]]
      : entries(value, `${prefix}${key}.`),
  )
}

const english = new Map(entries(en))
const german = new Map(entries(de))
const slots = (text: string | undefined) => [...(text ?? '').matchAll(/\{\{\w+\}\}/g)].map(String).sort()

describe('the catalogs', () => {
  it('have the same keys', () => {
    expect([...german.keys()].sort()).toEqual([...english.keys()].sort())
  })

  it.each([...english])('have the same places for values: %s', (key, text) => {
    expect(slots(german.get(key))).toEqual(slots(text))
  })

  it('say nothing with nothing, but where English does', () => {
    for (const [key, text] of german) if (text === '') expect(english.get(key)).toBe('')
  })

  it.each(['en', 'de'])('have every plural form of %s', (locale) => {
    const forms = new Intl.PluralRules(locale).resolvedOptions().pluralCategories
    const counted = [...english.keys()].filter((key) => key.endsWith('_other')).map((key) => key.slice(0, -6))
    for (const key of counted)
      for (const form of forms) expect(english.has(`${key}_${form}`), `${key}_${form}`).toBe(true)
  })
})

describe('the source', () => {
  const source = sourceFiles(join(import.meta.dirname, '../src'))

  it('uses every text', () => {
    const all = source.map((file) => readFileSync(file, 'utf8')).join('\n')
    const unused = [...english.keys()].filter((key) => {
      const name = key.replace(/_(zero|one|two|few|many|other|own)$/, '')
      const parts = name.split('.')
      // A key may be put together of a fixed beginning and a value: t(`roles.${role}`).
      return (
        !all.includes(name) &&
        !parts.some((_, at) => at > 0 && all.includes(`\`${parts.slice(0, at).join('.')}.$`))
      )
    })
    expect(unused).toEqual([])
  })

  it('knows of the client what it exports, and no more', () => {
    for (const file of source) {
      const imported = [...readFileSync(file, 'utf8').matchAll(/from '([^']*gator[^']*)'/g)].map(
        ([, name]) => name,
      )
      for (const name of imported) expect(['@gator/chat', '@gator/chat/react'], file).toContain(name)
    }
  })

  it('names no address of another host', () => {
    for (const file of source)
      expect(readFileSync(file, 'utf8'), file).not.toMatch(/https?:\/\/(?!www\.w3\.org)/)
  })

  it('puts no HTML together', () => {
    for (const file of source)
      expect(readFileSync(file, 'utf8'), file).not.toMatch(/innerHTML|insertAdjacentHTML|document\.write/)
  })
})

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
}
