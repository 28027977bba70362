import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { parseRoute, pathOf, type Route } from '../src/app/routes.ts'
import { readDraft, writeDraft } from '../src/compose/drafts.ts'
import { grantable, mayAdd, mayChange, mayDelete, mayRename } from '../src/conversations/rights.ts'
import { formatAgo, formatBrief, formatDay, formatList } from '../src/i18n/format.ts'
import { hashOf } from '../src/lib/hash.ts'
import { initialsOf } from '../src/lib/names.ts'
import { safeLink, unexpectedHost } from '../src/markdown/links.ts'
import { isFewEmoji } from '../src/markdown/parse.ts'
import { plainText } from '../src/markdown/plainText.ts'
import { isUserId, keepName, keptName } from '../src/session/open.ts'
import { endOf, keptToken, takeTokenFromAddress } from '../src/session/token.ts'

describe('routes', () => {
  const routes: Route[] = [
    { name: 'home' },
    { name: 'conversation', id: 'tea-club' },
    { name: 'conversation', id: 'a/b c?d#e%' },
    { name: 'personas' },
    { name: 'new-persona' },
    { name: 'persona', id: '0194-ä' },
    { name: 'admin' },
  ]

  it.each(routes)('lead back to themselves: %o', (route) => {
    expect(parseRoute(pathOf(route))).toEqual(route)
  })

  it.each(['/c', '/c/', '/nowhere', '/admin/x', '/c/%E0%A4%A'])('go home from %s', (path) => {
    expect(parseRoute(path)).toEqual({ name: 'home' })
  })

  it('take an id with slashes that nobody encoded', () => {
    expect(parseRoute('/c/team/tea')).toEqual({ name: 'conversation', id: 'team/tea' })
  })
})

describe('drafts', () => {
  afterEach(() => localStorage.clear())

  it('are kept for each user and conversation', () => {
    writeDraft('ada', 'tea', 'The kettle')
    writeDraft('ada', 'garden', 'The shed')
    expect(readDraft('ada', 'tea')).toBe('The kettle')
    expect(readDraft('bob', 'tea')).toBe('')
  })

  it('do not mix up ids that look alike when put together', () => {
    writeDraft('a b', 'c', 'one')
    expect(readDraft('a', 'b c')).toBe('')
  })

  it('are forgotten when nothing is left of them', () => {
    writeDraft('ada', 'tea', 'The kettle')
    writeDraft('ada', 'tea', ' \n')
    expect(localStorage).toHaveLength(0)
  })

  it('may be lost, and no more than that, where a browser keeps nothing', () => {
    vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError')
    })
    expect(() => writeDraft('ada', 'tea', 'The kettle')).not.toThrow()
  })
})

describe('times', () => {
  const now = new Date('2026-03-04T14:00:00')
  const at = (text: string) => new Date(text).toISOString()

  it.each([
    ['2026-03-04T00:00:01', 'Today'],
    ['2026-03-03T23:59:59', 'Yesterday'],
    ['2026-02-27T12:00:00', 'Friday 27 February'],
    ['2025-12-31T12:00:00', 'Wednesday 31 December 2025'],
  ])('the day of %s is %s', (time, words) => {
    expect(formatDay('en-GB', at(time), now).replace(',', '')).toBe(words)
  })

  it.each([
    ['2026-03-04T13:05:00', '13:05'],
    ['2026-03-03T09:05:00', 'Yesterday'],
    ['2026-02-27T09:05:00', 'Fri'],
    ['2026-01-05T09:05:00', '5 Jan'],
  ])('%s is briefly %s', (time, words) => {
    expect(formatBrief('en-GB', at(time), now)).toBe(words)
  })

  it.each([
    ['2026-03-04T13:59:30', '30 seconds ago'],
    ['2026-03-04T13:15:00', '45 minutes ago'],
    ['2026-03-04T11:00:00', '3 hours ago'],
    ['2026-03-03T09:00:00', 'yesterday'],
    ['2026-03-04T14:00:30', 'now'],
  ])('%s is %s', (time, words) => {
    expect(formatAgo('en-GB', at(time), now)).toBe(words)
  })

  it('speak German', () => {
    expect(formatDay('de', at('2026-03-03T10:00:00'), now)).toBe('Gestern')
    expect(formatList('de', ['Ada', 'Bob', 'Cleo'])).toBe('Ada, Bob und Cleo')
  })
})

describe('faces', () => {
  it.each([
    ['ada', 'A'],
    ['Ada Byron', 'AB'],
    ['ada.king@example.org', 'AO'],
    ['Ada King Noel', 'AN'],
    ['  ', '?'],
    ['***', '?'],
    ['élodie', 'É'],
    ['👩‍🌾 Nia', '👩‍🌾N'],
    ['(nia)', 'N'],
  ])('%j shows %s', (name, initials) => {
    expect(initialsOf(name)).toBe(initials)
  })

  it('have the same colour for ever', () => {
    expect([hashOf(''), hashOf('ada'), hashOf('bob')]).toEqual([2166136261, 943263163, 2261164244])
  })

  it('show few of the marks piled on a letter', () => {
    expect([...initialsOf(`a${'\u0301'.repeat(500)}`)].length).toBeLessThanOrEqual(4)
  })
})

describe('links', () => {
  it.each(['https://example.org/', 'http://example.org/a?b#c', 'mailto:ada@example.org'])(
    'may lead to %s',
    (href) => {
      expect(safeLink(href)?.href).toBe(href)
    },
  )

  it.each([
    'javascript:1',
    'data:text/html,x',
    '/relative',
    'x',
    '',
    'java\nscript:1',
    'https://a.example/\u202Ex',
  ])('may not lead to %j', (href) => {
    expect(safeLink(href)).toBeNull()
  })

  it.each([
    ['https://bank.example/login', 'https://evil.example/', 'evil.example'],
    ['bank.example', 'https://evil.example/', 'evil.example'],
    ['www.bank.example', 'https://bank.example/', null],
    ['click here', 'https://evil.example/', null],
    ['Hello. World', 'https://evil.example/', null],
  ])('that say %s and lead to %s also say %s', (label, href, host) => {
    expect(unexpectedHost(label, new URL(href))).toBe(host)
  })
})

describe('previews', () => {
  it.each([
    ['**bold** and `code`', 'bold and code'],
    ['# Title\n- one\n- two', 'Title one two'],
    ['[a link](https://example.org) ![pic](https://example.org/p.png)', 'a link pic'],
    ['The *green* one', 'The green one'],
    ['2 * 3 * 4 and snake_case_name', '2 * 3 * 4 and snake_case_name'],
  ])('of %j: %j', (content, text) => {
    expect(plainText(content)).toBe(text)
  })
})

describe('emoji', () => {
  it.each([
    ['🐊', true],
    ['👨‍👩‍👧‍👦 🏳️‍🌈', true],
    ['🐊🐊🐊🐊', false],
    ['ok 🐊', false],
    ['1', false],
  ])('%s alone: %s', (content, alone) => {
    expect(isFewEmoji(content)).toBe(alone)
  })
})

describe('rights', () => {
  const asked = (kind: 'direct' | 'group' | 'channel', role: 'reader' | 'member' | 'admin' | 'owner') => ({
    kind,
    role,
  })

  it('follow kind and role', () => {
    expect(mayAdd(asked('group', 'member'))).toBe(true)
    expect(mayAdd(asked('channel', 'member'))).toBe(false)
    expect(mayAdd(asked('channel', 'admin'))).toBe(true)
    expect(mayAdd(asked('direct', 'owner'))).toBe(false)
    expect(mayRename(asked('group', 'member'))).toBe(false)
    expect(mayRename(asked('group', 'admin'))).toBe(true)
    expect(mayDelete(asked('group', 'admin'))).toBe(false)
    expect(mayDelete(asked('channel', 'owner'))).toBe(true)
  })

  it('let nobody change those above them', () => {
    expect(mayChange(asked('group', 'admin'), 'admin')).toBe(false)
    expect(mayChange(asked('group', 'admin'), 'member')).toBe(true)
    expect(mayChange(asked('group', 'owner'), 'owner')).toBe(true)
    expect(grantable(asked('group', 'admin'))).toEqual(['reader', 'member'])
    expect(grantable(asked('group', 'member'))).toEqual([])
  })
})

describe('a token', () => {
  const token = (claims: object) => `e30.${btoa(JSON.stringify(claims)).replaceAll('=', '')}.sig`

  afterEach(() => {
    sessionStorage.clear()
    window.history.replaceState(null, '', '/')
  })

  it('leaves the address at once and stays in the tab', () => {
    window.history.replaceState(null, '', '/c/tea?x=1#token=a.b.c')
    takeTokenFromAddress()
    expect(window.location.href).toMatch(/\/c\/tea\?x=1$/)
    expect(keptToken()).toBe('a.b.c')
    expect(localStorage).toHaveLength(0)
  })

  it('says when it ends', () => {
    expect(endOf(token({ exp: 1_700_000_000 }))).toBe(1_700_000_000_000)
    expect(endOf(token({}))).toBeNull()
    expect(endOf('nonsense')).toBeNull()
    expect(endOf('a.!!!.c')).toBeNull()
  })
})

describe('a name', () => {
  beforeEach(() => window.history.replaceState(null, '', '/'))
  afterEach(() => {
    localStorage.clear()
    sessionStorage.clear()
  })

  it('in the address counts for this tab alone', () => {
    window.history.replaceState(null, '', '/c/tea?as=bob')
    expect(keptName()).toBe('bob')
    window.history.replaceState(null, '', '/c/tea')
    expect(keptName()).toBe('bob')
    expect(localStorage).toHaveLength(0)
  })

  it('is forgotten, in the address too', () => {
    window.history.replaceState(null, '', '/c/tea?as=bob&x=1')
    keepName(null)
    expect(window.location.search).toBe('?x=1')
    expect(keptName()).toBeNull()
  })

  it.each([
    ['ada', true],
    ['🐊'.repeat(128), true],
    ['🐊'.repeat(129), false],
    ['', false],
    ['a\nb', false],
  ])('may be %j: %s', (name, allowed) => {
    expect(isUserId(name)).toBe(allowed)
  })
})
