import type { ConversationSnapshot } from '@gator/chat'
import { formatList, useLocale } from '../i18n/format.ts'
import { useTranslation } from '../i18n/useTranslation.ts'
import { useNames } from '../people/directory.ts'

const MAX_NAMED = 3

/** Who is typing, in a line that always has its place, so that nothing jumps when it fills. */
export function TypingLine({ snapshot }: { readonly snapshot: ConversationSnapshot }) {
  const { t } = useTranslation()
  const locale = useLocale()
  const { typing, typingCount } = snapshot
  const nameOf = useNames(typing)
  const named = typing.length > 0 && typing.length <= MAX_NAMED
  return (
    <p className="typing">
      {typingCount > 0 && (
        <>
          <span className="dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          {named
            ? t('messages.typing', { count: typing.length, who: formatList(locale, typing.map(nameOf)) })
            : t('messages.typingMany', { count: typingCount })}
        </>
      )}
    </p>
  )
}
