import { IconButton } from '../design/Button.tsx'
import { Menu } from '../design/Menu.tsx'
import { useTranslation } from '../i18n/useTranslation.ts'
import { Avatar } from '../people/Avatar.tsx'
import { type Person, usePerson } from '../people/directory.ts'
import { usePersonas } from '../personas/usePersonas.ts'

const MAX_OFFERED = 12

/** Chooses a persona that is to answer what is sent. Nothing where there is none to ask. */
export function AskMenu({ onAsk }: { readonly onAsk: (persona: Person) => void }) {
  const { t } = useTranslation()
  const { personas } = usePersonas({ query: '', mine: false })
  if (personas.length === 0) return null
  const items = personas.slice(0, MAX_OFFERED).map((persona) => ({
    label: persona.name,
    icon: 'persona' as const,
    onChoose: () => onAsk({ id: persona.id, name: persona.name, picture: persona.avatar, persona: true }),
  }))
  return (
    <Menu
      label={t('compose.ask')}
      placement="above"
      align="start"
      groups={[items]}
      trigger={(attributes) => <IconButton icon="persona" label={t('compose.ask')} {...attributes} />}
    />
  )
}

/** Says who will be asked, and lets one think better of it. */
export function Asked({ personaId, onDrop }: { readonly personaId: string; readonly onDrop: () => void }) {
  const { t } = useTranslation()
  const persona = usePerson(personaId)
  return (
    <p className="compose-asked">
      <Avatar id={persona.id} name={persona.name} picture={persona.picture} persona size="xs" />
      <span>{t('compose.asking', { name: persona.name })}</span>
      <IconButton small icon="close" label={t('compose.askNobody')} onClick={onDrop} />
    </p>
  )
}
