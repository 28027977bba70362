import {
  type EmojiPickerListCategoryHeaderProps,
  type EmojiPickerListEmojiProps,
  type EmojiPickerListRowProps,
  EmojiPicker as Picker,
} from 'frimousse'
import { useTranslation } from '../i18n/useTranslation.ts'
import './emoji.css'

const COMPONENTS = { CategoryHeader, Row, Emoji }

/** Emoji to pick by sight or by name, in the page's language. Their names come from this server. */
export default function EmojiPicker({ onPick }: { readonly onPick: (emoji: string) => void }) {
  const { t, i18n } = useTranslation()
  return (
    <Picker.Root
      className="emoji"
      locale={i18n.language}
      emojibaseUrl="/emoji"
      columns={8}
      onEmojiSelect={({ emoji }) => onPick(emoji)}
    >
      <Picker.Search
        className="input emoji-search"
        autoFocus
        aria-label={t('compose.emojiSearch')}
        placeholder={t('compose.emojiSearch')}
      />
      <Picker.Viewport className="emoji-viewport scroll">
        <Picker.Loading className="emoji-loading">{t('common.loading')}</Picker.Loading>
        <Picker.Empty className="emoji-loading">{t('compose.emojiNone')}</Picker.Empty>
        <Picker.List className="emoji-list" components={COMPONENTS} />
      </Picker.Viewport>
    </Picker.Root>
  )
}

function CategoryHeader({ category, ...rest }: EmojiPickerListCategoryHeaderProps) {
  return (
    <div className="emoji-category" {...rest}>
      {category.label}
    </div>
  )
}

/* The picker counts rows and columns from 0, and ARIA from 1. */

function Row(props: EmojiPickerListRowProps) {
  const counted = { ...props, 'aria-rowindex': (props['aria-rowindex'] ?? 0) + 1 }
  return <div className="emoji-row" {...counted} />
}

function Emoji({ emoji, ...rest }: EmojiPickerListEmojiProps) {
  const counted = { ...rest, 'aria-colindex': (rest['aria-colindex'] ?? 0) + 1 }
  return (
    <button type="button" className={emoji.isActive ? 'emoji-one emoji-active' : 'emoji-one'} {...counted}>
      {emoji.emoji}
    </button>
  )
}
