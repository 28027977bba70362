// @vitest-environment node
import type { PersonaOut } from '@gator/chat'
import { describe, expect, it } from 'vitest'
import { draftOf, EMPTY_DRAFT, listOf, personaOf } from '../src/personas/draft.ts'

const NIA: PersonaOut = {
  id: '01945162-6740-7b06-a6f2-8d9e0f1a2b3c',
  name: 'Nia',
  avatar: null,
  description: 'A calm gardener.',
  personality: 'Patient.',
  scenario: 'A shed.',
  greeting: 'Mind the step.',
  alternate_greetings: ['Hello.'],
  example_dialogue: '{{user}}: Hi',
  system_prompt: 'Speak plainly.',
  post_history: 'Be brief.',
  creator_notes: 'For beginners.',
  tags: ['garden', 'calm'],
  provider: 'scripted',
  model: null,
  temperature: 0.7,
  max_tokens: 400,
  visibility: 'public',
  lore: {
    entries: [
      {
        keys: ['heap', 'compost'],
        content: 'She turns it on Sundays.',
        name: 'The heap',
        enabled: false,
        constant: true,
        selective: true,
        secondary_keys: ['sunday'],
        case_sensitive: true,
        use_regex: true,
        insertion_order: 5,
        priority: 3,
        extensions: { other: { program: [1, 2] } },
      },
    ],
    scan_depth: 4,
    token_budget: 0,
    recursive: true,
    rest: { position: 'before' },
  },
  mine: true,
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:00Z',
}

describe('a draft', () => {
  it('changes nothing by being opened and saved', () => {
    const { id: _id, avatar: _avatar, mine: _mine, created_at: _created, updated_at: _updated, ...card } = NIA
    expect(personaOf(draftOf(NIA))).toEqual(card)
  })

  it('that is empty leaves to the server what it may decide', () => {
    expect(personaOf(EMPTY_DRAFT)).toMatchObject({
      provider: null,
      model: null,
      temperature: null,
      max_tokens: null,
    })
  })

  it('takes a number with a comma', () => {
    expect(personaOf({ ...EMPTY_DRAFT, temperature: '0,5' }).temperature).toBe(0.5)
  })

  it('reads lists with commas and line ends', () => {
    expect(listOf(' a, b\nc ,, ')).toEqual(['a', 'b', 'c'])
  })
})
