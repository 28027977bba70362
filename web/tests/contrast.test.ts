// @vitest-environment node
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const css = readFileSync(join(import.meta.dirname, '../src/design/tokens.css'), 'utf8')
const tokens = new Map<string, readonly [light: string, dark: string]>()
for (const [, name, light, dark] of css.matchAll(
  /--([\w-]+): light-dark\((#[\da-f]{6}), (#[\da-f]{6})\);/g,
)) {
  if (name && light && dark) tokens.set(name, [light, dark])
}

const GROUNDS = ['paper', 'surface', 'raised', 'hover', 'sunken']
const TEXT: readonly (readonly [ink: string, grounds: readonly string[]])[] = [
  ['ink', [...GROUNDS, 'accent-soft', 'amber-soft', 'danger-soft', 'notice-soft']],
  ['ink-2', [...GROUNDS, 'accent-soft', 'danger-soft']],
  ['ink-3', ['paper', 'surface', 'raised', 'hover', 'sunken']],
  ['accent-ink', ['accent', 'accent-hover']],
  ['accent-soft-ink', ['accent-soft']],
  ['accent-text', [...GROUNDS, 'accent-soft']],
  ['amber-text', [...GROUNDS, 'amber-soft']],
  ['danger', ['paper', 'surface', 'raised', 'hover']],
  ['danger-ink', ['danger']],
  ['notice-ink', ['notice-soft']],
  ...Array.from({ length: 8 }, (_, tint) => [`tint-${tint}-ink`, [`tint-${tint}`]] as const),
]
const EDGES: readonly (readonly [edge: string, grounds: readonly string[]])[] = [
  ['line-strong', ['paper', 'surface', 'raised']],
  ['focus', ['paper', 'surface', 'raised', 'accent-soft']],
  ['accent', ['paper', 'surface']],
]

describe.each([
  ['light', 0],
  ['dark', 1],
] as const)('in %s', (_theme, side) => {
  const colour = (name: string): string => {
    const pair = tokens.get(name)
    if (pair === undefined) throw new Error(`tokens.css has no --${name}`)
    return pair[side]
  }

  it.each(TEXT.flatMap(([ink, grounds]) => grounds.map((ground) => [ink, ground] as const)))(
    'text in %s can be read on %s',
    (ink, ground) => {
      expect(contrast(colour(ink), colour(ground))).toBeGreaterThanOrEqual(4.5)
    },
  )

  it.each(EDGES.flatMap(([edge, grounds]) => grounds.map((ground) => [edge, ground] as const)))(
    'edges in %s can be seen on %s',
    (edge, ground) => {
      expect(contrast(colour(edge), colour(ground))).toBeGreaterThanOrEqual(3)
    },
  )
})

/** Contrast as WCAG 2.2 defines it. */
function contrast(one: string, other: string): number {
  const [brighter = 0, darker = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (brighter + 0.05) / (darker + 0.05)
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
