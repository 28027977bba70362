import type { Conversation, ConversationSnapshot } from '@gator/chat'
import { useConnection } from '@gator/chat/react'
import {
  type KeyboardEvent,
  lazy,
  type RefObject,
  Suspense,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from 'react'
import { IconButton } from '../design/Button.tsx'
import { Popover } from '../design/Popover.tsx'
import { formatNumber, useLocale } from '../i18n/format.ts'
import { useTranslation } from '../i18n/useTranslation.ts'
import { type Person, useLearn } from '../people/directory.ts'
import { Asked, AskMenu } from './AskMenu.tsx'
import './compose.css'
import { readDraft, writeDraft } from './drafts.ts'
import { MentionList } from './MentionList.tsx'
import { withMention } from './mentions.ts'
import { useMentions } from './useMentions.ts'

const EmojiPicker = lazy(() => import('./EmojiPicker.tsx'))

interface Props {
  readonly snapshot: ConversationSnapshot
  readonly conversation: Conversation
  readonly me: string
  /** Whether everything said here is answered by a persona anyway. */
  readonly withPersona: boolean
}

/** A persona that is to answer: everything that is sent from now on, or the one message that mentions it. */
interface Wish {
  readonly personaId: string
  /** Its name in the text, without which it is not asked; empty where it was chosen from the menu. */
  readonly mention: string
}

/** From this many characters before the limit on, one is told how many are left. */
const COUNT_FROM = 500

export function Compose({ snapshot, conversation, me, withPersona }: Props) {
  const { t } = useTranslation()
  const { limits } = useConnection()
  const [text, setText] = useState(() => readDraft(me, conversation.id))
  const [asked, setAsked] = useState<Wish | null>(null)
  const learn = useLearn()
  const box = useRef<HTMLTextAreaElement>(null)
  useFittingHeight(box, text)
  useFocus(box)
  const mentions = useMentions({
    snapshot,
    me,
    others: !withPersona,
    onTake: (mention, offer) => {
      put(...withMention(text, mention, offer.name))
      // The server knows members by their names; another persona is asked by its id.
      if (offer.persona && !offer.member) ask(offer, `@${offer.name}`)
    },
  })

  const personaId = asked === null || !text.includes(asked.mention) ? null : asked.personaId
  const left = (limits?.max_message_chars ?? Number.POSITIVE_INFINITY) - [...text].length
  const sendable = text.trim() !== '' && left >= 0

  function change(next: string) {
    setText(next)
    writeDraft(me, conversation.id, next)
    if (next.trim() === '') conversation.stopTyping()
    else conversation.typing()
  }

  function ask(persona: Person, mention = '') {
    learn(persona)
    setAsked({ personaId: persona.id, mention })
  }

  function send() {
    if (!sendable) return
    conversation.send(text, personaId === null ? {} : { personaId })
    setText('')
    if (asked?.mention) setAsked(null)
    mentions.leave()
    writeDraft(me, conversation.id, '')
    box.current?.focus()
  }

  /** Take back what could not be sent, to write it anew. */
  function takeBack(): boolean {
    const failed = snapshot.messages.findLast((message) => message.state === 'failed')
    if (text !== '' || failed?.client_message_id === undefined) return false
    conversation.discard(failed.client_message_id)
    change(failed.content)
    return true
  }

  function onKeyDown(event: KeyboardEvent) {
    // While an input method composes a word, its keys are its own.
    if (event.nativeEvent.isComposing || mentions.onKeyDown(event)) return
    if (event.key === 'Enter' && !event.shiftKey && !event.altKey) {
      event.preventDefault()
      send()
    } else if (event.key === 'ArrowUp' && takeBack()) {
      event.preventDefault()
    } else if (event.key === 'Escape' && personaId !== null) {
      setAsked(null)
    }
  }

  function insert(emoji: string) {
    const field = box.current
    const start = field?.selectionStart ?? text.length
    put(text.slice(0, start) + emoji + text.slice(field?.selectionEnd ?? start), start + emoji.length)
  }

  /** Have another text in the box, and go on writing at a place in it. */
  function put(next: string, caret: number) {
    change(next)
    requestAnimationFrame(() => {
      box.current?.focus()
      box.current?.setSelectionRange(caret, caret)
    })
  }

  return (
    <form
      className="compose"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      {personaId !== null && <Asked personaId={personaId} onDrop={() => setAsked(null)} />}
      <div className="compose-box">
        {!withPersona && <AskMenu onAsk={ask} />}
        <textarea
          ref={box}
          rows={1}
          dir="auto"
          value={text}
          aria-label={t('compose.message')}
          aria-invalid={left < 0 || undefined}
          placeholder={t('compose.placeholder')}
          enterKeyHint="send"
          onChange={(event) => {
            change(event.target.value)
            mentions.follow(event.target)
          }}
          onSelect={(event) => mentions.follow(event.currentTarget)}
          onKeyDown={onKeyDown}
          onBlur={() => {
            conversation.stopTyping()
            mentions.leave()
          }}
          {...mentions.attributes}
        />
        <MentionList {...mentions.list} />
        <Popover
          label={t('compose.emoji')}
          trigger={(attributes) => <IconButton icon="smile" label={t('compose.emoji')} {...attributes} />}
        >
          {(close) => (
            <Suspense fallback={<p className="emoji-loading">{t('common.loading')}</p>}>
              <EmojiPicker
                onPick={(emoji) => {
                  close()
                  insert(emoji)
                }}
              />
            </Suspense>
          )}
        </Popover>
        <IconButton type="submit" icon="send" kind="primary" label={t('compose.send')} disabled={!sendable} />
      </div>
      <CharactersLeft left={left} />
    </form>
  )
}

function CharactersLeft({ left }: { readonly left: number }) {
  const { t } = useTranslation()
  const locale = useLocale()
  if (left > COUNT_FROM) return null
  return (
    <p className={left < 0 ? 'compose-note compose-note-over' : 'compose-note'} role="status">
      {left < 0
        ? t('compose.over', { count: -left, shown: formatNumber(locale, -left) })
        : t('compose.left', { count: left, shown: formatNumber(locale, left) })}
    </p>
  )
}

/** Whoever comes into a conversation with a keyboard can write at once; on a phone that would cover half of it. */
function useFocus(box: RefObject<HTMLTextAreaElement | null>): void {
  useEffect(() => {
    if (window.matchMedia('(hover: hover) and (pointer: fine)').matches)
      box.current?.focus({ preventScroll: true })
  }, [box])
}

/** Let the box be as high as its text, within the bounds of the style sheet. */
function useFittingHeight(box: RefObject<HTMLTextAreaElement | null>, text: string): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the text is what changes the height
  useLayoutEffect(() => {
    const field = box.current
    if (field === null) return
    field.style.height = 'auto'
    field.style.height = `${field.scrollHeight}px`
  }, [box, text])
}
