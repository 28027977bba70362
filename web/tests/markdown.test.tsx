import { act } from 'react'
import { createRoot } from 'react-dom/client'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { initLanguage } from '../src/i18n/index.ts'
import { Markdown } from '../src/markdown/Markdown.tsx'
import hostile from './hostile.json'

const ELEMENTS = new Set(
  'a blockquote br button code del div em figcaption figure h1 hr li ol p path pre section span strong svg table tbody td th thead tr ul'
    .toUpperCase()
    .split(' ')
    .concat('svg', 'path'),
)

const ATTRIBUTES = new Set(
  (
    'href rel target title class dir role lang start scope type tabindex aria-label aria-level aria-hidden ' +
    'width height viewBox fill stroke stroke-width stroke-linecap stroke-linejoin d'
  ).split(' '),
)

describe('a message', () => {
  let host: HTMLElement
  let unmount: () => void

  beforeAll(() => {
    Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true })
    initLanguage('en')
  })

  beforeEach(() => {
    host = document.body.appendChild(document.createElement('div'))
  })

  afterEach(() => {
    act(unmount)
    host.remove()
  })

  function show(content: string): HTMLElement {
    const root = createRoot(host)
    unmount = () => root.unmount()
    act(() => root.render(<Markdown content={content} />))
    return host
  }

  it.each(hostile)('shows as text and harmless elements: %j', (content) => {
    const shown = show(content)
    expect((window as { __ran?: boolean }).__ran).toBeUndefined()
    for (const element of shown.querySelectorAll('*')) {
      expect(ELEMENTS).toContain(element.tagName)
      for (const { name } of element.attributes) expect(ATTRIBUTES).toContain(name)
      expect(element.id).toBe('')
    }
    for (const link of shown.querySelectorAll('a')) {
      expect(link.href).toMatch(/^(https?|mailto):/)
      expect(link.rel).toBe('noopener noreferrer nofollow')
    }
  })

  it.each(['<b>bold</b>', '<script>alert(1)</script>', 'a < b && c > d', '<img src=x onerror=alert(1)>'])(
    'keeps every character of what looks like HTML: %j',
    (content) => {
      expect(show(content).textContent).toBe(content)
    },
  )

  it('names the host of a link that claims to be another one', () => {
    expect(show('[https://bank.example/login](https://evil.example/login)').textContent).toContain(
      '(evil.example)',
    )
  })

  it('says where a picture is and loads nothing', () => {
    const shown = show('![the mint](https://example.org/mint.jpg)')
    expect(shown.querySelector('img')).toBeNull()
    expect(shown.querySelector('a')?.href).toBe('https://example.org/mint.jpg')
    expect(shown.textContent).toContain('example.org')
  })

  it('shows what people write', () => {
    const shown = show(
      '# Title\n\n- one\n- **two**\n\n1. `three`\n\n> said\n\n~~no~~ [x](https://example.org)',
    )
    expect(shown.querySelector('[role="heading"]')?.textContent).toBe('Title')
    expect(shown.querySelectorAll('ul > li')).toHaveLength(2)
    expect(shown.querySelector('ol code')?.textContent).toBe('three')
    expect(shown.querySelector('blockquote')?.textContent).toBe('said')
    expect(shown.querySelector('del')?.textContent).toBe('no')
  })

  it('keeps line ends', () => {
    expect(show('one\ntwo').querySelectorAll('br')).toHaveLength(1)
  })

  it('reads entities once', () => {
    expect(show('Fish &amp; chips, &amp;lt;3').textContent).toBe('Fish & chips, &lt;3')
  })

  it.each([
    ['quotes', '>'.repeat(4_900)],
    ['lists', '+ '.repeat(2_400)],
    ['emphasis', '*a **b '.repeat(700)],
    ['brackets', '['.repeat(4_900)],
    ['backticks', '`'.repeat(4_900)],
    ['links', '[a]('.repeat(1_200)],
    ['emoji', '🐊'.repeat(5_000)],
    ['combining marks', `a${'\u0301'.repeat(4_900)}`],
    ['table', `${'|a'.repeat(800)}|\n${'|-'.repeat(800)}|\n`],
  ])('is shown in time, however many %s it has', (_what, content) => {
    const begun = performance.now()
    expect(show(content).textContent).not.toBe('')
    // Generous: what takes quadratic time or worse takes minutes.
    expect(performance.now() - begun).toBeLessThan(5_000)
  })
})
