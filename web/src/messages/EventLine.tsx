import type { SystemItem } from '@gator/chat'
import { formatList, useLocale } from '../i18n/format.ts'
import { useTranslation } from '../i18n/useTranslation.ts'
import { useNames } from '../people/directory.ts'

/** A line that says what happened to the conversation itself. */
export function EventLine({ event, me }: { readonly event: SystemItem; readonly me: string }) {
  const { t } = useTranslation()
  const locale = useLocale()
  const concerned = idsOf(event)
  const nameOf = useNames([event.by, ...concerned])
  const who = formatList(
    locale,
    concerned.map((id) => (id === me ? t('common.youObject') : nameOf(id))),
  )
  const context = event.by === me ? { context: 'own' as const } : {}
  const by = nameOf(event.by)
  return <p className="event-line">{words()}</p>

  function words(): string {
    switch (event.type) {
      case 'conversation_created':
        return t('events.created', { by, ...context })
      case 'conversation_renamed':
        return event.title === null
          ? t('events.unnamed', { by, ...context })
          : t('events.renamed', { by, title: event.title, ...context })
      case 'members_added':
        if (concerned.length === 0) return t('events.addedMany', { by, ...context })
        return concerned.length === 1 && concerned[0] === event.by
          ? t('events.joined', { by, ...context })
          : t('events.added', { by, who, ...context })
      case 'member_removed':
        return event.user_id === event.by
          ? t('events.left', { by, ...context })
          : t('events.removed', { by, who, ...context })
      case 'member_role_changed': {
        const role = t(`roles.${event.role}`)
        return event.user_id === me
          ? t('events.yourRole', { by, role, ...context })
          : t('events.role', { by, who, role, ...context })
      }
      default:
        return event satisfies never
    }
  }
}

function idsOf(event: SystemItem): readonly string[] {
  if (event.type === 'members_added') return event.members.map((member) => member.user_id)
  if (event.type === 'member_removed' || event.type === 'member_role_changed') return [event.user_id]
  return []
}
