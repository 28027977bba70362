import { IconButton } from '../design/Button.tsx'
import { Icon } from '../design/Icon.tsx'
import { Mark } from '../design/Mark.tsx'
import { useTranslation } from '../i18n/useTranslation.ts'
import { Link } from './Link.tsx'
import { useRoute } from './routes.ts'

interface Props {
  readonly onNew: () => void
  readonly onSwitch: () => void
}

export function SidebarHead({ onNew, onSwitch }: Props) {
  const { t } = useTranslation()
  const route = useRoute()
  // Every screen has one heading of its own; at home it is the name of the house.
  const Brand = route.name === 'home' ? 'h1' : 'p'
  const personas = route.name === 'personas' || route.name === 'new-persona' || route.name === 'persona'
  return (
    <header className="sidebar-head">
      <div className="sidebar-brand">
        <Brand className="brand">
          <Link to={{ name: 'home' }}>
            <Mark size={30} />
            Gator Chat
          </Link>
        </Brand>
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
