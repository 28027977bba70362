import { useTranslation } from 'react-i18next'
import { IconButton } from '../design/Button.tsx'
import { Icon } from '../design/Icon.tsx'
import { Mark } from '../design/Mark.tsx'
import { Link } from './Link.tsx'
import { useRoute } from './routes.ts'

interface Props {
  readonly onNew: () => void
  readonly onSwitch: () => void
}

export function SidebarHead({ onNew, onSwitch }: Props) {
  const { t } = useTranslation()
  const route = useRoute()
  const personas = route.name === 'personas' || route.name === 'new-persona' || route.name === 'persona'
  return (
    <header className="sidebar-head">
      <div className="sidebar-brand">
        <Link to={{ name: 'home' }} className="brand">
          <Mark size={30} />
          <span>Gator Chat</span>
        </Link>
        <IconButton icon="plus" label={t('conversations.new')} onClick={onNew} />
      </div>
      <button type="button" className="search-button" onClick={onSwitch}>
        <Icon name="search" size={18} />
        <span>{t('switcher.open')}</span>
        <kbd>{MODIFIER}K</kbd>
      </button>
      <Link to={{ name: 'personas' }} className="nav-link" aria-current={personas ? 'page' : undefined}>
        <Icon name="persona" />
        {t('personas.title')}
      </Link>
    </header>
  )
}

/** How this keyboard calls the key for commands. */
export const MODIFIER = /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘' : 'Ctrl '
