import type { Kind } from '@gator/chat'
import { useClient } from '@gator/chat/react'
import { type FormEvent, useState } from 'react'
import { navigate } from '../app/routes.ts'
import { Button } from '../design/Button.tsx'
import { Dialog } from '../design/Dialog.tsx'
import { TextField } from '../design/Field.tsx'
import { useTranslation } from '../i18n/useTranslation.ts'
import { useTask } from '../lib/useTask.ts'
import { PeopleField } from './PeopleField.tsx'
import './people.css'

const KINDS: readonly Kind[] = ['direct', 'group', 'channel']

export function NewConversation({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation()
  const client = useClient()
  const [kind, setKind] = useState<Kind>('group')
  const [title, setTitle] = useState('')
  const [ids, setIds] = useState<readonly string[]>([])
  const { run, busy } = useTask()
  const complete = kind !== 'direct' || ids.length === 1

  function submit(event: FormEvent) {
    event.preventDefault()
    const named = kind !== 'direct' && title.trim() !== '' ? { title: title.trim() } : {}
    run(
      () => client.createConversation({ kind, memberIds: ids, ...named }),
      ({ id }) => {
        onClose()
        navigate({ name: 'conversation', id })
      },
    )
  }

  return (
    <Dialog
      title={t('conversations.new')}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" form="new-conversation" kind="primary" disabled={busy || !complete}>
            {t('conversations.create')}
          </Button>
        </>
      }
    >
      <form id="new-conversation" className="form" onSubmit={submit}>
        <fieldset className="kinds">
          <legend className="field-title">{t('conversations.kind')}</legend>
          {KINDS.map((each) => (
            <label key={each} className="kind">
              <input type="radio" name="kind" checked={kind === each} onChange={() => setKind(each)} />
              <span>
                <strong>{t(`kinds.${each}.name`)}</strong>
                <small>{t(`kinds.${each}.hint`)}</small>
              </span>
            </label>
          ))}
        </fieldset>
        {kind !== 'direct' && (
          <TextField
            label={t('conversations.title')}
            value={title}
            maxLength={200}
            onChange={(event) => setTitle(event.target.value)}
          />
        )}
        <PeopleField ids={ids} onChange={setIds} withPersonas={kind !== 'direct'} />
        {kind === 'direct' && ids.length > 1 && <p className="field-error">{t('conversations.onlyOne')}</p>}
      </form>
    </Dialog>
  )
}
