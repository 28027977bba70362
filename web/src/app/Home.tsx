import { Button } from '../design/Button.tsx'
import { useTranslation } from '../i18n/useTranslation.ts'
import '../design/empty.css'
import { Icon } from '../design/Icon.tsx'
import { Mark } from '../design/Mark.tsx'
import { Link } from './Link.tsx'

/** What stands beside the list as long as no conversation is chosen. */
export function Home({ onNew }: { readonly onNew: () => void }) {
  const { t } = useTranslation()
  return (
    <div className="empty">
      <Mark size={72} />
      <h2>{t('conversations.choose')}</h2>
      <p>{t('conversations.chooseHint')}</p>
      <div className="empty-actions">
        <Button kind="primary" icon="plus" onClick={onNew}>
          {t('conversations.new')}
        </Button>
        <Link className="button button-plain" to={{ name: 'personas' }}>
          <Icon name="persona" size={18} />
          {t('personas.title')}
        </Link>
      </div>
    </div>
  )
}
