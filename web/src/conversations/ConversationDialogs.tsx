import type { Conversation, ConversationSnapshot } from '@gator/chat'
import { type FormEvent, useState } from 'react'
import { navigate } from '../app/routes.ts'
import { Button } from '../design/Button.tsx'
import { Dialog } from '../design/Dialog.tsx'
import { TextField } from '../design/Field.tsx'
import { useTranslation } from '../i18n/useTranslation.ts'
import { useTask } from '../lib/useTask.ts'
import { MemoryDialog } from '../personas/MemoryDialog.tsx'
import { AddPeople } from './AddPeople.tsx'
import { People } from './People.tsx'
import type { Face } from './useFace.ts'

export type Opened = 'people' | 'add' | 'rename' | 'memory' | 'leave' | 'delete'

interface Props {
  readonly opened: Opened
  readonly snapshot: ConversationSnapshot
  readonly conversation: Conversation
  readonly face: Face
  readonly me: string
  readonly onOpen: (opened: Opened | null) => void
}

export function ConversationDialogs({ opened, onOpen, ...rest }: Props) {
  const close = () => onOpen(null)
  switch (opened) {
    case 'people':
      return <People {...rest} onClose={close} onAdd={() => onOpen('add')} />
    case 'add':
      return <AddPeople {...rest} onClose={close} />
    case 'rename':
      return <Rename {...rest} onClose={close} />
    case 'memory':
      return (
        <MemoryDialog
          conversationId={rest.conversation.id}
          mayWrite={rest.snapshot.role !== 'reader'}
          onClose={close}
        />
      )
    case 'leave':
    case 'delete':
      return <Ending how={opened} {...rest} onClose={close} />
    default:
      return opened satisfies never
  }
}

interface DialogProps extends Omit<Props, 'opened' | 'onOpen'> {
  readonly onClose: () => void
}

function Rename({ snapshot, conversation, onClose }: DialogProps) {
  const { t } = useTranslation()
  const [title, setTitle] = useState(snapshot.title ?? '')
  const { run, busy } = useTask()

  function submit(event: FormEvent) {
    event.preventDefault()
    run(() => conversation.rename(title.trim() || null), onClose)
  }

  return (
    <Dialog
      title={t('conversations.rename')}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" form="rename" kind="primary" disabled={busy}>
            {t('common.save')}
          </Button>
        </>
      }
    >
      <form id="rename" onSubmit={submit}>
        <TextField
          label={t('conversations.title')}
          value={title}
          maxLength={200}
          autoFocus
          onChange={(event) => setTitle(event.target.value)}
        />
      </form>
    </Dialog>
  )
}

/** Asks once before what cannot be undone. */
function Ending({ how, conversation, face, onClose }: DialogProps & { readonly how: 'leave' | 'delete' }) {
  const { t } = useTranslation()
  const { run, busy } = useTask()
  const act = () =>
    run(
      () => (how === 'leave' ? conversation.leave() : conversation.delete()),
      () => navigate({ name: 'home' }, 'replace'),
    )
  return (
    <Dialog
      title={t(`conversations.${how}`)}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button kind="danger" disabled={busy} onClick={act}>
            {t(`conversations.${how}`)}
          </Button>
        </>
      }
    >
      <p>{t(`conversations.${how}Sure`, { name: face.name })}</p>
    </Dialog>
  )
}
