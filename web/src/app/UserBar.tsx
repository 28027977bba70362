import type { Me } from '@gator/chat'
import { useConnection } from '@gator/chat/react'
import { IconButton } from '../design/Button.tsx'
import { Menu, type MenuItem } from '../design/Menu.tsx'
import { setLocale } from '../i18n/index.ts'
import { LOCALE_NAMES, LOCALES } from '../i18n/locales.ts'
import { useTranslation } from '../i18n/useTranslation.ts'
import { Avatar } from '../people/Avatar.tsx'
import type { ServerConfig } from '../session/config.ts'
import { goOut } from '../session/session.ts'
import { navigate } from './routes.ts'
import { setTheme, THEMES, useTheme } from './theme.ts'

interface Props {
  readonly me: Pick<Me, 'id' | 'name' | 'avatar' | 'roles'>
  readonly config: ServerConfig
  readonly onShortcuts: () => void
}

const THEME_ICONS = { system: 'monitor', light: 'sun', dark: 'moon' } as const

/** Who one is here, and what one can set. */
export function UserBar({ me, config, onShortcuts }: Props) {
  const { t, i18n } = useTranslation()
  const theme = useTheme()
  const { state } = useConnection()
  const name = me.name ?? me.id
  const operator = config.auth === 'open' || me.roles.includes('admin')

  const themes: MenuItem[] = THEMES.map((each) => ({
    label: t(`menu.theme.${each}`),
    icon: THEME_ICONS[each],
    checked: each === theme,
    onChoose: () => setTheme(each),
  }))
  const languages: MenuItem[] = LOCALES.map((locale) => ({
    label: LOCALE_NAMES[locale],
    icon: 'globe',
    checked: i18n.language === locale,
    onChoose: () => setLocale(locale),
  }))
  const rest: MenuItem[] = [{ label: t('shortcuts.title'), icon: 'keyboard', onChoose: onShortcuts }]
  if (operator)
    rest.push({ label: t('admin.title'), icon: 'gauge', onChoose: () => navigate({ name: 'admin' }) })
  rest.push({
    label: t('menu.goOut'),
    icon: 'leave',
    onChoose: () => {
      navigate({ name: 'home' }, 'replace')
      void goOut()
    },
  })

  return (
    <footer className="user-bar">
      <Avatar id={me.id} name={name} picture={me.avatar} size="s" online={state === 'open'} />
      <div className="user-name">
        <bdi>{name}</bdi>
        <span>{t(`connection.${state}`)}</span>
      </div>
      <Menu
        label={t('menu.title')}
        placement="above"
        groups={[themes, languages, rest]}
        trigger={(attributes) => <IconButton icon="more" label={t('menu.title')} {...attributes} />}
      />
    </footer>
  )
}
