import { describe, expect, it } from 'vitest'
import { type Mentionable, mentionAt, offersOf, withMention } from '../src/compose/mentions.ts'

/** A text with the caret where the bar is. */
function at(marked: string): [text: string, caret: number] {
  const caret = marked.indexOf('|')
  return [marked.replace('|', ''), caret]
}

describe('a name that is being written', () => {
  it.each([
    ['@|', 0, ''],
    ['@Ni|', 0, 'Ni'],
    ['Ask @Ni|, please', 4, 'Ni'],
    ['@Ni|a', 0, 'Ni'],
    ['@Nia Bl|', 0, 'Nia Bl'],
    ['@Nia and @Bo|', 9, 'Bo'],
    ['first line\n@Ni|', 11, 'Ni'],
    ['\n@|', 1, ''],
    ['(@Ni|', 1, 'Ni'],
    ['@ada@exam|', 0, 'ada@exam'],
    ['@Ærø|', 0, 'Ærø'],
  ])('%j begins at %i: %j', (marked, start, query) => {
    const [text, caret] = at(marked)
    expect(mentionAt(text, caret)).toEqual({ start, end: caret, query })
  })

  it.each([
    ['a name', '|@Nia'],
    ['a line that has begun', '@Nia\n|'],
    ['a name that is over', '@Nia |'],
    ['an address of mail', 'ada@exam|'],
    ['an address in other letters', 'я@exam|'],
    ['a sign alone', 'at 3 @ |'],
    ['nothing', '|'],
    ['a start of a text', '|\n@Nia'],
    ['what is too long for a name', `@${'a'.repeat(65)}|`],
  ])('is not %s: %j', (_what, marked) => {
    expect(mentionAt(...at(marked))).toBeNull()
  })
})

describe('offers', () => {
  const person = (name: string, more: Partial<Mentionable> = {}): Mentionable => ({
    id: name,
    name,
    picture: null,
    persona: false,
    member: true,
    ...more,
  })
  const names = (query: string, ...candidates: Mentionable[]) =>
    offersOf(query, candidates).map(({ name }) => name)

  it('are of those whose name begins so, or a word of it', () => {
    expect(names('bl', person('Nia Blue'), person('Blake'), person('Able'))).toEqual(['Blake', 'Nia Blue'])
    expect(names('nia b', person('Nia Blue'), person('Nia'))).toEqual(['Nia Blue'])
  })

  it('heed neither case nor signs that mean something elsewhere', () => {
    expect(names('NI', person('nia'))).toEqual(['nia'])
    expect(names('.*', person('nia'))).toEqual([])
    expect(names('c++', person('C++ (old)'))).toEqual(['C++ (old)'])
  })

  it('have members before others, and are in order', () => {
    const outside = { persona: true, member: false }
    expect(names('', person('Ann', outside), person('Cy'), person('bob'))).toEqual(['bob', 'Cy', 'Ann'])
  })

  it('are few', () => {
    expect(names('', ...Array.from({ length: 40 }, (_, number) => person(`n${number}`)))).toHaveLength(6)
  })
})

describe('a name that is taken', () => {
  it.each([
    ['@Ni|', '@Nia |'],
    ['Ask @n|, please', 'Ask @Nia |, please'],
    ['@n| what?', '@Nia |what?'],
    ['one\n@|\ntwo', 'one\n@Nia |\ntwo'],
  ])('makes %j to %j', (before, after) => {
    const [text, caret] = at(before)
    const mention = mentionAt(text, caret)
    expect(mention && withMention(text, mention, 'Nia')).toEqual(at(after))
  })
})
