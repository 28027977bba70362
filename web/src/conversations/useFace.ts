import type { Kind } from '@gator/chat'
import { useTranslation } from '../i18n/useTranslation.ts'
import { MADE_BY_SERVER } from '../lib/names.ts'
import { usePerson } from '../people/directory.ts'

export interface Face {
  /** What its colour is made of. */
  readonly id: string
  readonly name: string
  readonly picture: string | null
  readonly persona: boolean
  readonly group: boolean
}

interface Named {
  readonly id: string
  readonly kind: Kind | null
  readonly title: string | null
  readonly peerId: string | null
}

/** How a conversation is shown: as the other one if there are two, else by its title, else by an id that people chose. */
export function useFace({ id, kind, title, peerId }: Named): Face {
  const { t } = useTranslation()
  const peer = usePerson(kind === 'direct' ? (peerId ?? '') : '')
  if (kind === 'direct' && peerId !== null) return { ...peer, group: false }
  const name = title ?? (MADE_BY_SERVER.test(id) ? t('conversations.unnamed') : id)
  return { id, name, picture: null, persona: false, group: true }
}
