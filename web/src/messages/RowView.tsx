import type { Conversation, ConversationSnapshot } from '@gator/chat'
import { formatDay, useLocale } from '../i18n/format.ts'
import { useTranslation } from '../i18n/useTranslation.ts'
import { EventLine } from './EventLine.tsx'
import { MessageView } from './MessageView.tsx'
import { ReplyEndLine } from './ReplyEndLine.tsx'
import { ReplyView } from './ReplyView.tsx'
import type { Row } from './timeline.ts'

interface Props {
  readonly row: Row
  readonly conversation: Conversation
  readonly snapshot: ConversationSnapshot
  readonly me: string
}

export function RowView({ row, conversation, snapshot, me }: Props) {
  const { t } = useTranslation()
  const locale = useLocale()
  switch (row.kind) {
    case 'day':
      return <p className="day-line">{formatDay(locale, row.at)}</p>
    case 'new':
      return <p className="new-line">{t('messages.newLine')}</p>
    case 'gap':
      return <p className="gap-line">{t(`messages.gap.${row.reason}`)}</p>
    case 'event':
      return <EventLine event={row.event} me={me} />
    case 'end':
      return <ReplyEndLine end={row.end} conversation={conversation} mayWrite={snapshot.role !== 'reader'} />
    case 'message':
      return (
        <MessageView
          message={row.message}
          first={row.first}
          last={row.last}
          own={row.message.sender_id === me}
          conversation={conversation}
        />
      )
    case 'reply':
      return <ReplyView row={row} conversation={conversation} mayWrite={snapshot.role !== 'reader'} />
    default:
      return row satisfies never
  }
}
