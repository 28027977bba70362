import { Button } from '../design/Button.tsx'
import { TextArea, TextField } from '../design/Field.tsx'
import { useTranslation } from '../i18n/useTranslation.ts'
import { EMPTY_ENTRY, type EntryDraft, keyed, type LoreDraft } from './draft.ts'

interface Props {
  readonly lore: LoreDraft
  readonly onChange: (lore: LoreDraft) => void
}

const MAX_ENTRIES = 500

/** A persona's book of lore: what it knows once a key was said. */
export function LoreEditor({ lore, onChange }: Props) {
  const { t } = useTranslation()
  const { entries } = lore
  const change = (changes: Partial<LoreDraft>) => onChange({ ...lore, ...changes })
  return (
    <section className="editor-part">
      <h2>{t('personas.part.lore')}</h2>
      <p className="field-hint">{t('personas.hint.lore')}</p>
      {entries.map(({ key, value }, at) => (
        <Entry
          key={key}
          number={at + 1}
          entry={value}
          onChange={(entry) =>
            change({ entries: entries.map((each) => (each.key === key ? { key, value: entry } : each)) })
          }
          onRemove={() => change({ entries: entries.filter((each) => each.key !== key) })}
        />
      ))}
      {entries.length < MAX_ENTRIES && (
        <Button
          small
          icon="plus"
          className="editor-add"
          onClick={() => change({ entries: [...entries, keyed(EMPTY_ENTRY)] })}
        >
          {t('lore.add')}
        </Button>
      )}
      {entries.length > 0 && (
        <div className="editor-grid">
          <TextField
            label={t('lore.scanDepth')}
            type="number"
            min={0}
            max={1000}
            value={lore.scanDepth}
            onChange={(event) => change({ scanDepth: event.target.value })}
          />
          <TextField
            label={t('lore.tokenBudget')}
            type="number"
            min={0}
            max={100_000}
            value={lore.tokenBudget}
            onChange={(event) => change({ tokenBudget: event.target.value })}
          />
          <Check
            label={t('lore.recursive')}
            checked={lore.recursive}
            onChange={(recursive) => change({ recursive })}
          />
        </div>
      )}
    </section>
  )
}

interface EntryProps {
  readonly number: number
  readonly entry: EntryDraft
  readonly onChange: (entry: EntryDraft) => void
  readonly onRemove: () => void
}

function Entry({ number, entry, onChange, onRemove }: EntryProps) {
  const { t } = useTranslation()
  const change = (changes: Partial<EntryDraft>) => onChange({ ...entry, ...changes })
  const title = entry.name || entry.keys || t('lore.entry', { number })
  return (
    <details className="lore-entry" open={entry.content === ''}>
      <summary>
        <bdi>{title}</bdi>
        {!entry.enabled && <span className="chip">{t('lore.off')}</span>}
      </summary>
      <div className="form">
        <div className="editor-grid">
          <TextField
            label={t('lore.name')}
            value={entry.name}
            maxLength={200}
            onChange={(event) => change({ name: event.target.value })}
          />
          <TextField
            label={t('lore.keys')}
            hint={t('lore.keysHint')}
            value={entry.keys}
            onChange={(event) => change({ keys: event.target.value })}
          />
        </div>
        <TextArea
          label={t('lore.content')}
          rows={3}
          required
          value={entry.content}
          onChange={(event) => change({ content: event.target.value })}
        />
        <div className="lore-checks">
          <Check
            label={t('lore.enabled')}
            checked={entry.enabled}
            onChange={(enabled) => change({ enabled })}
          />
          <Check
            label={t('lore.constant')}
            checked={entry.constant}
            onChange={(constant) => change({ constant })}
          />
          <Check
            label={t('lore.selective')}
            checked={entry.selective}
            onChange={(selective) => change({ selective })}
          />
          <Check
            label={t('lore.caseSensitive')}
            checked={entry.caseSensitive}
            onChange={(caseSensitive) => change({ caseSensitive })}
          />
        </div>
        {entry.selective && (
          <TextField
            label={t('lore.secondaryKeys')}
            value={entry.secondaryKeys}
            onChange={(event) => change({ secondaryKeys: event.target.value })}
          />
        )}
        <div className="editor-grid">
          <TextField
            label={t('lore.insertionOrder')}
            type="number"
            value={entry.insertionOrder}
            onChange={(event) => change({ insertionOrder: event.target.value })}
          />
          <TextField
            label={t('lore.priority')}
            hint={t('lore.priorityHint')}
            type="number"
            value={entry.priority}
            onChange={(event) => change({ priority: event.target.value })}
          />
        </div>
        <Button small kind="quiet" icon="trash" className="editor-add" onClick={onRemove}>
          {t('lore.remove', { number })}
        </Button>
      </div>
    </details>
  )
}

interface CheckProps {
  readonly label: string
  readonly checked: boolean
  readonly onChange: (checked: boolean) => void
}

function Check({ label, checked, onChange }: CheckProps) {
  return (
    <label className="check">
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.target.checked)} />
      {label}
    </label>
  )
}
