/** Ids that nobody chose, and that say nothing to people. */
export const MADE_BY_SERVER = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/

const LETTERS = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/**
 * The one or two letters shown where somebody has no picture: of the first and the last word. A grapheme keeps
 * its marks, up to a sensible number of them.
 */
export function initialsOf(name: string): string {
  const words = name.split(/[\s._@-]+/).filter((word) => /[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(word))
  const first = words[0]
  if (first === undefined) return '?'
  const last = words.length > 1 ? words[words.length - 1] : undefined
  return (letterOf(first) + (last ? letterOf(last) : '')).toLocaleUpperCase()
}

function letterOf(word: string): string {
  const start = word.slice(0, 64).replace(/^[^\p{L}\p{N}\p{Extended_Pictographic}]+/u, '')
  const [grapheme] = LETTERS.segment(start)
  return [...(grapheme?.segment ?? '')].slice(0, 4).join('')
}
