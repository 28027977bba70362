import type { ConversationSnapshot } from '@gator/chat'
import { type KeyboardEvent, useId, useState } from 'react'
import { MADE_BY_SERVER } from '../lib/names.ts'
import { usePeople } from '../people/directory.ts'
import { usePersonas } from '../personas/usePersonas.ts'
import { type Mention, type Mentionable, mentionAt, offersOf } from './mentions.ts'

interface Given {
  readonly snapshot: ConversationSnapshot
  readonly me: string
  /** Whether personas that are no members may be asked here as well. */
  readonly others: boolean
  readonly onTake: (mention: Mention, offer: Mentionable) => void
}

/**
 * Offers names while one is written after an `@`. In a conversation whose members are not known, for they are too
 * many, personas alone are offered.
 */
export function useMentions({ snapshot, me, others, onTake }: Given) {
  const listId = useId()
  const [written, setWritten] = useState<Mention | null>(null)
  const [closedAt, setClosedAt] = useState<number | null>(null)
  const [activeId, setActiveId] = useState<string | null>(null)
  const mention = written?.start === closedAt ? null : written
  const offers = useOffers(mention, snapshot, me, others)
  const at = Math.max(
    0,
    offers.findIndex((offer) => offer.id === activeId),
  )
  const active = offers[at]

  /** Look at what is written where the caret stands now. */
  function follow({ value, selectionStart, selectionEnd }: HTMLTextAreaElement) {
    const next = selectionStart === selectionEnd ? mentionAt(value, selectionStart) : null
    setWritten(next)
    if (next?.query !== written?.query) setActiveId(null)
    if (next?.start !== closedAt) setClosedAt(null)
  }

  function take(offer: Mentionable) {
    if (mention === null) return
    setWritten(null)
    onTake(mention, offer)
  }

  /** @returns whether the key was for the list. */
  function onKeyDown(event: KeyboardEvent): boolean {
    if (active === undefined || event.shiftKey || event.altKey || event.ctrlKey || event.metaKey) return false
    const { length } = offers
    if (event.key === 'ArrowDown') setActiveId(offers[(at + 1) % length]?.id ?? null)
    else if (event.key === 'ArrowUp') setActiveId(offers[(at - 1 + length) % length]?.id ?? null)
    else if (event.key === 'Enter' || event.key === 'Tab') take(active)
    else if (event.key === 'Escape') setClosedAt(mention?.start ?? null)
    else return false
    event.preventDefault()
    event.stopPropagation()
    return true
  }

  return {
    list: {
      id: listId,
      offers,
      active,
      onActivate: (offer: Mentionable) => setActiveId(offer.id),
      onTake: take,
    },
    /*
     * A box of several lines may have no role but its own, which has no `aria-expanded`: that a list is open is told
     * by what follows, and by the list itself.
     */
    attributes: {
      'aria-autocomplete': 'list' as const,
      'aria-controls': active && listId,
      'aria-activedescendant': active && optionId(listId, active),
    },
    follow,
    onKeyDown,
    leave: () => setWritten(null),
  }
}

export function optionId(listId: string, offer: Mentionable): string {
  return `${listId}-${offer.id}`
}

const NOBODY: readonly string[] = []

function useOffers(
  mention: Mention | null,
  { members }: ConversationSnapshot,
  me: string,
  others: boolean,
): readonly Mentionable[] {
  const ids = mention === null ? NOBODY : [...members.keys()].filter((id) => id !== me)
  const personOf = usePeople(ids)
  const { personas } = usePersonas(mention !== null && others ? { query: mention.query, mine: false } : null)
  if (mention === null) return []
  const asked = new Set(personas.map(({ id }) => id))
  const inside = ids.map(personOf).map((one) => ({
    ...one,
    // One that has said nothing yet is known by its name alone.
    persona: one.persona || asked.has(one.id),
    member: true,
  }))
  const outside = personas
    .filter((persona) => !members.has(persona.id))
    .map(({ id, name, avatar }) => ({ id, name, picture: avatar, persona: true, member: false }))
  // A persona that one may not ask has no name for one.
  const named = inside.filter(({ name }) => !MADE_BY_SERVER.test(name))
  return offersOf(mention.query, others ? [...named, ...outside] : named)
}
