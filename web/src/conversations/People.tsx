import type { Conversation, ConversationSnapshot, HttpApi, MemberOut, Role } from '@gator/chat'
import { useClient } from '@gator/chat/react'
import { useCallback, useEffect, useState } from 'react'
import { PersonaBadge } from '../design/Badge.tsx'
import { Button, IconButton } from '../design/Button.tsx'
import { Dialog } from '../design/Dialog.tsx'
import { Menu, type MenuItem } from '../design/Menu.tsx'
import { noteFailure } from '../design/notes.tsx'
import { formatAgo, useLocale } from '../i18n/format.ts'
import { useTranslation } from '../i18n/useTranslation.ts'
import { Avatar } from '../people/Avatar.tsx'
import { usePerson } from '../people/directory.ts'
import './people.css'
import { grantable, mayAdd, mayChange } from './rights.ts'

interface Props {
  readonly snapshot: ConversationSnapshot
  readonly conversation: Conversation
  readonly me: string
  readonly onClose: () => void
  readonly onAdd: () => void
}

/** Who is in a conversation, what they may do, and for those who may: changing that. */
export function People({ snapshot, conversation, me, onClose, onAdd }: Props) {
  const { t } = useTranslation()
  const { members, more, loadMore } = useMembers(conversation.id, snapshot.seq)
  return (
    <Dialog shape="drawer" title={t('conversations.people')} onClose={onClose}>
      {mayAdd(snapshot) && (
        <Button icon="plus" onClick={onAdd}>
          {t('conversations.add')}
        </Button>
      )}
      <ul className="people">
        {members.map((member) => (
          <Member
            key={member.user_id}
            member={member}
            snapshot={snapshot}
            conversation={conversation}
            me={me}
          />
        ))}
      </ul>
      {more && (
        <Button kind="quiet" onClick={loadMore}>
          {t('common.more')}
        </Button>
      )}
    </Dialog>
  )
}

interface MemberProps {
  readonly member: MemberOut
  readonly snapshot: ConversationSnapshot
  readonly conversation: Conversation
  readonly me: string
}

function Member({ member, snapshot, conversation, me }: MemberProps) {
  const { t } = useTranslation()
  const locale = useLocale()
  const { http } = useClient()
  const known = usePerson(member.user_id)
  const own = member.user_id === me
  const name = member.name ?? known.name
  const state = member.online
    ? t('presence.online')
    : member.last_seen
      ? t('presence.lastSeen', { when: formatAgo(locale, member.last_seen) })
      : t('presence.offline')
  return (
    <li className="person">
      <Avatar
        id={member.user_id}
        name={name}
        picture={member.avatar ?? known.picture}
        persona={known.persona}
        online={member.online}
      />
      <div className="person-text">
        <p className="person-name">
          <bdi>{name}</bdi>
          {known.persona && <PersonaBadge />}
          {own && <span className="chip">{t('common.you')}</span>}
        </p>
        <p className="person-role">
          {t(`roles.${member.role}`)}
          {!known.persona && ` · ${state}`}
        </p>
      </div>
      {!own && mayChange(snapshot, member.role) && (
        <Menu
          label={t('conversations.change', { name })}
          groups={changes(member, snapshot, conversation, http, t)}
          trigger={(attributes) => (
            <IconButton icon="more" label={t('conversations.change', { name })} {...attributes} />
          )}
        />
      )}
    </li>
  )
}

type Translate = ReturnType<typeof useTranslation>['t']

function changes(
  member: MemberOut,
  snapshot: ConversationSnapshot,
  conversation: Conversation,
  http: HttpApi,
  t: Translate,
): MenuItem[][] {
  const roles = grantable(snapshot).map((role: Role) => ({
    label: t(`roles.${role}`),
    checked: role === member.role,
    onChoose: () => void http.setRole(conversation.id, member.user_id, role).catch(noteFailure),
  }))
  const remove: MenuItem = {
    label: t('conversations.remove'),
    icon: 'leave',
    danger: true,
    onChoose: () => void conversation.removeMember(member.user_id).catch(noteFailure),
  }
  return [roles, [remove]]
}

/** The members by pages, asked for anew when the conversation has changed. */
function useMembers(conversationId: string, seq: number) {
  const { http } = useClient()
  const [members, setMembers] = useState<readonly MemberOut[]>([])
  const [cursor, setCursor] = useState<string | null>(null)

  // biome-ignore lint/correctness/useExhaustiveDependencies: a later seq may mean other members
  useEffect(() => {
    let wanted = true
    http.members(conversationId).then((page) => {
      if (!wanted) return
      setMembers(page.members)
      setCursor(page.next_cursor)
    }, noteFailure)
    return () => {
      wanted = false
    }
  }, [http, conversationId, seq])

  const loadMore = useCallback(() => {
    if (cursor === null) return
    http.members(conversationId, cursor).then((page) => {
      setMembers((before) => [...before, ...page.members])
      setCursor(page.next_cursor)
    }, noteFailure)
  }, [http, conversationId, cursor])

  return { members, more: cursor !== null, loadMore }
}
