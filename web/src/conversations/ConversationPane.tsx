import type { ConversationSnapshot } from '@gator/chat'
import { useConversation, useConversations } from '@gator/chat/react'
import { useState } from 'react'
import { Link } from '../app/Link.tsx'
import { navigate } from '../app/routes.ts'
import { Compose } from '../compose/Compose.tsx'
import { Button } from '../design/Button.tsx'
import { Empty } from '../design/Empty.tsx'
import { useTranslation } from '../i18n/useTranslation.ts'
import { codeOf } from '../lib/errors.ts'
import { MessageList } from '../messages/MessageList.tsx'
import { TypingLine } from '../messages/TypingLine.tsx'
import { BudgetLine } from '../personas/BudgetLine.tsx'
import { ConversationDialogs, type Opened } from './ConversationDialogs.tsx'
import { ConversationHeader } from './ConversationHeader.tsx'
import './conversation.css'
import { useFace } from './useFace.ts'

/** One conversation: who is in it, what was said, and the box to say something. */
export function ConversationPane({ id, me }: { readonly id: string; readonly me: string }) {
  const { t } = useTranslation()
  const { conversation, ...snapshot } = useConversation(id)
  const listed = useConversations().items.find((item) => item.id === id)
  // Until the conversation itself is here, the list may know it.
  const face = useFace(snapshot.kind === null && listed ? listed : snapshot)
  const [opened, setOpened] = useState<Opened | null>(null)

  if (snapshot.status === 'failed' || snapshot.status === 'left') {
    return <Gone snapshot={snapshot} />
  }
  const failed = snapshot.historyError !== null && snapshot.messages.length === 0
  return (
    <section className="conversation" aria-label={face.name}>
      <ConversationHeader snapshot={snapshot} face={face} onOpen={setOpened} />
      {snapshot.messages.length === 0 && snapshot.events.length === 0 ? (
        <div className="conversation-blank">
          {snapshot.status !== 'live' && !failed && <p className="list-loading">{t('common.loading')}</p>}
          {failed && (
            <Empty
              icon="warning"
              title={t('messages.historyFailed')}
              text={codeOf(snapshot.historyError) ?? ''}
            >
              <Button icon="refresh" onClick={() => void conversation.loadOlder()}>
                {t('common.again')}
              </Button>
            </Empty>
          )}
          {snapshot.status === 'live' && !failed && (
            <Empty
              icon={face.persona ? 'persona' : 'smile'}
              title={t('messages.none')}
              text={t('messages.noneHint')}
            />
          )}
        </div>
      ) : (
        <MessageList snapshot={snapshot} conversation={conversation} me={me} />
      )}
      <TypingLine snapshot={snapshot} />
      {snapshot.role === 'reader' ? (
        <p className="compose-closed">{t('compose.readOnly')}</p>
      ) : (
        <>
          <Compose snapshot={snapshot} conversation={conversation} me={me} withPersona={face.persona} />
          {face.persona && <BudgetLine messages={snapshot.messages} replyEnds={snapshot.replyEnds} />}
        </>
      )}
      {opened && (
        <ConversationDialogs
          opened={opened}
          snapshot={snapshot}
          conversation={conversation}
          face={face}
          me={me}
          onOpen={setOpened}
        />
      )}
    </section>
  )
}

function Gone({ snapshot }: { readonly snapshot: ConversationSnapshot }) {
  const { t } = useTranslation()
  const reason = snapshot.reason ?? 'conversation_not_found'
  const known =
    reason === 'deleted' || reason === 'removed' || reason === 'left' || reason === 'too_many_joined'
  return (
    <section className="conversation">
      <Empty whole icon="leave" title={t(`conversations.gone.${known ? reason : 'notFound'}`)}>
        <Link
          className="button button-plain"
          to={{ name: 'home' }}
          onClick={() => navigate({ name: 'home' })}
        >
          {t('conversations.toList')}
        </Link>
      </Empty>
    </section>
  )
}
