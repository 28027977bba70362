import type { Conversation, ConversationSnapshot } from '@gator/chat'
import { useVirtualizer, type VirtualItem, type Virtualizer } from '@tanstack/react-virtual'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { Button } from '../design/Button.tsx'
import { Icon } from '../design/Icon.tsx'
import { useTranslation } from '../i18n/useTranslation.ts'
import { Announcer } from './Announcer.tsx'
import './message-list.css'
import { RowView } from './RowView.tsx'
import { type Row, timelineOf } from './timeline.ts'
import { useNewLine } from './useNewLine.ts'
import { useReading } from './useReading.ts'

interface Props {
  readonly snapshot: ConversationSnapshot
  readonly conversation: Conversation
  readonly me: string
}

/** This near to the end counts as being there. */
const END_PX = 96
/** Older messages are asked for when fewer rows than this are left above. */
const LOAD_AHEAD_ROWS = 12

/**
 * The messages of a conversation. Only those near the window are in the document. The list keeps to its end
 * while one is there, and to what one reads otherwise: when older messages come in above, and when a reply grows.
 */
export function MessageList({ snapshot, conversation, me }: Props) {
  const { t } = useTranslation()
  const { messages, events, replies, replyEnds, discontinuity, hasOlder, loadingOlder, historyError } =
    snapshot
  const line = useNewLine(snapshot)
  const newAfter = line ?? null
  const rows = useMemo(
    () => timelineOf({ messages, events, replies, replyEnds, discontinuity, hasOlder, newAfter, me }),
    [messages, events, replies, replyEnds, discontinuity, hasOlder, newAfter, me],
  )
  const scroller = useRef<HTMLDivElement>(null)
  const [atEnd, setAtEnd] = useState(true)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (at) => estimate(rows[at]),
    getItemKey: (at) => rows[at]?.key ?? at,
    anchorTo: 'end',
    followOnAppend: true,
    scrollEndThreshold: END_PX,
    overscan: 6,
    paddingStart: 24,
    paddingEnd: 12,
    onChange: (instance) => setAtEnd(instance.isAtEnd(END_PX)),
  })

  virtual.shouldAdjustScrollPositionOnItemSizeChange = pushesDown

  useFirstPosition(rows, line !== undefined, virtual)
  useOwnMessages(snapshot, me, virtual)
  const fresh = useReading(snapshot, conversation, me, atEnd)

  const items = virtual.getVirtualItems()
  const firstShown = items[0]?.index ?? 0
  const nearStart = hasOlder && rows.length > 0 && firstShown < LOAD_AHEAD_ROWS
  const [loads, setLoads] = useState(0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: after each load it may be necessary again
  useEffect(() => {
    if (nearStart && !historyError) void conversation.loadOlder().then(() => setLoads((number) => number + 1))
  }, [nearStart, loads, historyError, conversation])

  return (
    <div className="message-list">
      <div
        ref={scroller}
        className="message-scroll scroll"
        role="log"
        aria-label={t('messages.list')}
        // Rows come and go while one scrolls; what is new is read out by the announcer instead.
        aria-live="off"
        aria-busy={loadingOlder}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
        tabIndex={0}
      >
        {loadingOlder && <p className="message-loading">{t('messages.loadingOlder')}</p>}
        {historyError && !loadingOlder && (
          <div className="message-loading">
            {t('messages.historyFailed')}
            <Button small kind="quiet" icon="refresh" onClick={() => void conversation.loadOlder()}>
              {t('common.again')}
            </Button>
          </div>
        )}
        <div className="message-canvas" style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const row = rows[item.index]
            return (
              row && (
                <div
                  key={item.key}
                  ref={virtual.measureElement}
                  data-index={item.index}
                  className="message-row"
                  style={{ transform: `translateY(${item.start}px)` }}
                >
                  <RowView row={row} conversation={conversation} me={me} snapshot={snapshot} />
                </div>
              )
            )
          })}
        </div>
      </div>
      {!atEnd && (
        <button type="button" className="jump" onClick={() => virtual.scrollToEnd({ behavior: 'auto' })}>
          <Icon name="down" size={18} />
          <span>{fresh > 0 ? t('messages.jumpNew', { count: fresh }) : t('messages.jump')}</span>
        </button>
      )}
      <Announcer messages={messages} me={me} />
    </div>
  )
}

type Measured = Virtualizer<HTMLDivElement, Element>
type List = ReturnType<typeof useVirtualizer<HTMLDivElement, Element>>

/** Tell whether what one reads stands below a row, and has to be kept from moving with the row's height. */
function pushesDown({ key, index, start, end }: VirtualItem, _grownPx: number, list: Measured): boolean {
  const top = list.scrollOffset ?? 0
  const sizes = list.itemSizeCache
  // What grows in view, such as a reply, grows downwards.
  if (sizes.has(key)) return end <= top
  if (start < top) return true
  // Further back in one step than rows are drawn ahead, a row is measured in view only: above those that one came from.
  const last = list.range?.endIndex ?? 0
  return list.scrollDirection === 'backward' && index < last && sizes.has(list.options.getItemKey(last))
}

/** Begin at the first new message, or at the end; at the end also until it is known which. */
function useFirstPosition(rows: readonly Row[], known: boolean, virtual: List): void {
  const placed = useRef(false)
  useLayoutEffect(() => {
    if (placed.current || rows.length === 0) return
    placed.current = known
    const line = rows.findIndex((row) => row.kind === 'new')
    if (line >= 0) virtual.scrollToIndex(Math.max(0, line - 1), { align: 'start' })
    else virtual.scrollToEnd()
  }, [rows, known, virtual])
}

/** Whoever says something wants to see it, wherever they were reading. */
function useOwnMessages({ messages }: ConversationSnapshot, me: string, virtual: List): void {
  const last = messages.at(-1)
  const waiting = last?.sender_id === me && last.state === 'sending' ? last.id : null
  useLayoutEffect(() => {
    if (waiting !== null) virtual.scrollToEnd()
  }, [waiting, virtual])
}

/** A guess at a row's height, corrected when it is drawn. */
function estimate(row: Row | undefined): number {
  if (row?.kind !== 'message' && row?.kind !== 'reply') return 44
  const text =
    row.kind === 'message' ? row.message.content : (row.live?.text ?? row.attempts.at(-1)?.content ?? '')
  return (row.first ? 64 : 40) + Math.floor(text.length / 70) * 23
}
