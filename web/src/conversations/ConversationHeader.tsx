import type { ConversationSnapshot } from '@gator/chat'
import { usePresence } from '@gator/chat/react'
import { navigate } from '../app/routes.ts'
import { PersonaBadge } from '../design/Badge.tsx'
import { IconButton } from '../design/Button.tsx'
import { Menu, type MenuItem } from '../design/Menu.tsx'
import { formatAgo, formatNumber, useLocale } from '../i18n/format.ts'
import { useTranslation } from '../i18n/useTranslation.ts'
import { Avatar } from '../people/Avatar.tsx'
import type { Opened } from './ConversationDialogs.tsx'
import { mayAdd, mayDelete, mayRename } from './rights.ts'
import type { Face } from './useFace.ts'

interface Props {
  readonly snapshot: ConversationSnapshot
  readonly face: Face
  readonly onOpen: (opened: Opened) => void
}

export function ConversationHeader({ snapshot, face, onOpen }: Props) {
  const { t } = useTranslation()
  const presence = usePresence(snapshot.peerId ?? '')
  return (
    <header className="bar conversation-header">
      <IconButton
        icon="back"
        className="only-phone"
        label={t('conversations.toList')}
        onClick={() => navigate({ name: 'home' })}
      />
      <Avatar {...face} online={presence?.online ?? false} />
      <div className="conversation-title">
        <h1>
          <bdi>{face.name}</bdi>
          {face.persona && <PersonaBadge />}
        </h1>
        <p>
          <Subtitle snapshot={snapshot} face={face} />
        </p>
      </div>
      {snapshot.kind !== 'direct' && (
        <IconButton icon="people" label={t('conversations.people')} onClick={() => onOpen('people')} />
      )}
      <Menu
        label={t('conversations.options')}
        groups={groupsOf(snapshot, face, t, onOpen)}
        trigger={(attributes) => (
          <IconButton icon="more" label={t('conversations.options')} {...attributes} />
        )}
      />
    </header>
  )
}

type Translate = ReturnType<typeof useTranslation>['t']

function groupsOf(
  snapshot: ConversationSnapshot,
  face: Face,
  t: Translate,
  onOpen: Props['onOpen'],
): MenuItem[][] {
  const { kind } = snapshot
  const fixed = kind === 'direct'
  const about: MenuItem[] = []
  if (!fixed)
    about.push({ label: t('conversations.people'), icon: 'people', onChoose: () => onOpen('people') })
  if (mayAdd(snapshot))
    about.push({ label: t('conversations.add'), icon: 'plus', onChoose: () => onOpen('add') })
  if (mayRename(snapshot))
    about.push({ label: t('conversations.rename'), icon: 'edit', onChoose: () => onOpen('rename') })
  about.push({ label: t('memory.title'), icon: 'memory', onChoose: () => onOpen('memory') })
  if (face.persona) {
    about.push({
      label: t('personas.show'),
      icon: 'persona',
      onChoose: () => navigate({ name: 'persona', id: face.id }),
    })
  }
  const end: MenuItem[] = []
  if (!fixed) end.push({ label: t('conversations.leave'), icon: 'leave', onChoose: () => onOpen('leave') })
  if (mayDelete(snapshot)) {
    end.push({
      label: t('conversations.delete'),
      icon: 'trash',
      danger: true,
      onChoose: () => onOpen('delete'),
    })
  }
  return [about, end].filter((group) => group.length > 0)
}

function Subtitle({ snapshot, face }: { readonly snapshot: ConversationSnapshot; readonly face: Face }) {
  const { t } = useTranslation()
  const locale = useLocale()
  const presence = usePresence(snapshot.peerId ?? '')
  if (face.persona) {
    const state = snapshot.personaStates.get(face.id)
    return state ? t(`personas.state.${state}`) : t('personas.answersHere')
  }
  if (snapshot.kind === 'direct') {
    if (presence?.online) return t('presence.online')
    return presence?.lastSeen
      ? t('presence.lastSeen', { when: formatAgo(locale, presence.lastSeen) })
      : t('presence.offline')
  }
  if (snapshot.kind === null) return t('common.loading')
  const members = t('conversations.members', {
    count: snapshot.memberCount,
    shown: formatNumber(locale, snapshot.memberCount),
  })
  return `${members} · ${t('presence.onlineCount', { count: snapshot.onlineCount, shown: formatNumber(locale, snapshot.onlineCount) })}`
}
