import type { Conversation } from '@gator/chat'
import { type FormEvent, useState } from 'react'
import { Button } from '../design/Button.tsx'
import { Dialog } from '../design/Dialog.tsx'
import { useTranslation } from '../i18n/useTranslation.ts'
import { useTask } from '../lib/useTask.ts'
import { PeopleField } from './PeopleField.tsx'

interface Props {
  readonly conversation: Conversation
  readonly onClose: () => void
}

export function AddPeople({ conversation, onClose }: Props) {
  const { t } = useTranslation()
  const [ids, setIds] = useState<readonly string[]>([])
  const { run, busy } = useTask()

  function submit(event: FormEvent) {
    event.preventDefault()
    run(async () => {
      for (const id of ids) await conversation.addMember(id)
    }, onClose)
  }

  return (
    <Dialog
      title={t('conversations.add')}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" form="add-people" kind="primary" disabled={busy || ids.length === 0}>
            {t('conversations.addNow')}
          </Button>
        </>
      }
    >
      <form id="add-people" onSubmit={submit}>
        <PeopleField ids={ids} onChange={setIds} withPersonas />
      </form>
    </Dialog>
  )
}
