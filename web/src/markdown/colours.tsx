import hljs from 'highlight.js/lib/core'
import bash from 'highlight.js/lib/languages/bash'
import c from 'highlight.js/lib/languages/c'
import cpp from 'highlight.js/lib/languages/cpp'
import csharp from 'highlight.js/lib/languages/csharp'
import css from 'highlight.js/lib/languages/css'
import diff from 'highlight.js/lib/languages/diff'
import go from 'highlight.js/lib/languages/go'
import ini from 'highlight.js/lib/languages/ini'
import java from 'highlight.js/lib/languages/java'
import javascript from 'highlight.js/lib/languages/javascript'
import json from 'highlight.js/lib/languages/json'
import kotlin from 'highlight.js/lib/languages/kotlin'
import php from 'highlight.js/lib/languages/php'
import python from 'highlight.js/lib/languages/python'
import ruby from 'highlight.js/lib/languages/ruby'
import rust from 'highlight.js/lib/languages/rust'
import sql from 'highlight.js/lib/languages/sql'
import swift from 'highlight.js/lib/languages/swift'
import typescript from 'highlight.js/lib/languages/typescript'
import xml from 'highlight.js/lib/languages/xml'
import yaml from 'highlight.js/lib/languages/yaml'
import type { ReactNode } from 'react'
import { decodeEntities } from './entities.ts'

const LANGUAGES = {
  bash,
  c,
  cpp,
  csharp,
  css,
  diff,
  go,
  ini,
  java,
  javascript,
  json,
  kotlin,
  php,
  python,
  ruby,
  rust,
  sql,
  swift,
  typescript,
  xml,
  yaml,
}

for (const [name, language] of Object.entries(LANGUAGES)) hljs.registerLanguage(name, language)

/** Colour code of a known language; of an unknown one give it back as it is. */
export function colour(code: string, language: string): ReactNode {
  if (hljs.getLanguage(language) === undefined) return code
  return nodesOf(hljs.highlight(code, { language, ignoreIllegals: true }).value)
}

/**
 * Turn the highlighter's HTML into elements. It consists of `<span class="...">`, `</span>` and escaped text and
 * nothing else; whatever else were in it would come out as text.
 */
function nodesOf(html: string): ReactNode {
  const levels: { className: string; nodes: ReactNode[] }[] = [{ className: '', nodes: [] }]
  for (const [part, className] of pieces(html)) {
    const level = levels.at(-1)
    if (level === undefined) break
    if (className !== undefined) levels.push({ className, nodes: [] })
    else if (part !== '</span>') level.nodes.push(decodeEntities(part))
    else close(levels)
  }
  while (levels.length > 1) close(levels)
  return levels[0]?.nodes
}

function close(levels: { className: string; nodes: ReactNode[] }[]): void {
  if (levels.length < 2) return
  const closed = levels.pop()
  const outer = levels.at(-1)
  outer?.nodes.push(
    <span key={outer.nodes.length} className={closed?.className}>
      {closed?.nodes}
    </span>,
  )
}

function* pieces(html: string): Generator<[part: string, className?: string]> {
  const tag = /<span class="([\w\s-]*)">|<\/span>/g
  let at = 0
  for (const found of html.matchAll(tag)) {
    if (found.index > at) yield [html.slice(at, found.index)]
    yield found[1] === undefined ? [found[0]] : [found[0], found[1]]
    at = found.index + found[0].length
  }
  if (at < html.length) yield [html.slice(at)]
}
