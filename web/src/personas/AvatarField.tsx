import type { PersonaOut } from '@gator/chat'
import { useClient } from '@gator/chat/react'
import { type ChangeEvent, useId } from 'react'
import { Button } from '../design/Button.tsx'
import { Icon } from '../design/Icon.tsx'
import { noteFailure } from '../design/notes.tsx'
import { useTranslation } from '../i18n/useTranslation.ts'
import { useTask } from '../lib/useTask.ts'
import { Avatar } from '../people/Avatar.tsx'

interface Props {
  readonly persona: PersonaOut
  readonly onChange: (persona: PersonaOut) => void
}

const MAX_BYTES = 2 * 1024 * 1024

/** A persona's picture: take another one, or none. */
export function AvatarField({ persona, onChange }: Props) {
  const { t } = useTranslation()
  const id = useId()
  const { http } = useClient()
  const { run, busy } = useTask()

  function take(event: ChangeEvent<HTMLInputElement>) {
    const file = event.target.files?.[0]
    event.target.value = ''
    if (file === undefined) return
    if (file.size > MAX_BYTES) noteFailure(new Error(t('personas.pictureTooLarge')))
    else run(() => http.personas.setAvatar(persona.id, file), onChange)
  }

  const remove = () =>
    run(
      () => http.personas.removeAvatar(persona.id),
      () => onChange({ ...persona, avatar: null }),
    )

  return (
    <div className="avatar-field">
      <Avatar id={persona.id} name={persona.name} picture={persona.avatar} persona size="xl" />
      {persona.mine && (
        <div>
          <input
            id={id}
            className="unseen"
            type="file"
            accept="image/png,image/jpeg,image/webp,image/gif"
            disabled={busy}
            onChange={take}
          />
          <label htmlFor={id} className="button button-plain">
            <Icon name="upload" size={18} />
            {t('personas.picture')}
          </label>
          {persona.avatar !== null && (
            <Button kind="quiet" disabled={busy} onClick={remove}>
              {t('personas.dropPicture')}
            </Button>
          )}
          <p className="field-hint">{t('personas.pictureHint')}</p>
        </div>
      )}
    </div>
  )
}
