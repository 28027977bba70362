import { useTranslation } from '../i18n/useTranslation.ts'
import { Icon } from './Icon.tsx'
import './badge.css'

/** Says of an author that it is an AI persona. */
export function PersonaBadge() {
  const { t } = useTranslation()
  return (
    <span className="persona-badge" title={t('personas.badgeHint')}>
      <Icon name="persona" size={13} />
      {t('personas.badge')}
    </span>
  )
}

export function Unread({ count }: { readonly count: number }) {
  const { t } = useTranslation()
  if (count === 0) return null
  return (
    <span className="unread">
      <span aria-hidden="true">{count > 999 ? '999+' : count}</span>
      <span className="unseen">{t('conversations.unread', { count })}</span>
    </span>
  )
}
