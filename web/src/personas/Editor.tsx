import type { PersonaOut } from '@gator/chat'
import { useClient } from '@gator/chat/react'
import { type FormEvent, useEffect, useState } from 'react'
import { Link } from '../app/Link.tsx'
import { navigate } from '../app/routes.ts'
import { PersonaBadge } from '../design/Badge.tsx'
import { Button, IconButton } from '../design/Button.tsx'
import { Dialog } from '../design/Dialog.tsx'
import { Empty } from '../design/Empty.tsx'
import { TextArea, TextField } from '../design/Field.tsx'
import { Loading } from '../design/Loading.tsx'
import { Menu } from '../design/Menu.tsx'
import { noteDone, noteFailure } from '../design/notes.tsx'
import { useTranslation } from '../i18n/useTranslation.ts'
import { saveFile } from '../lib/saveFile.ts'
import { useTask } from '../lib/useTask.ts'
import { AvatarField } from './AvatarField.tsx'
import { draftOf, EMPTY_DRAFT, keyed, type PersonaDraft, personaOf } from './draft.ts'
import { LoreEditor } from './LoreEditor.tsx'
import '../design/page.css'
import './personas.css'

/** A persona to read, and for its owner to change; without an id a new one. */
export default function Editor({ id }: { readonly id: string | null }) {
  const { t } = useTranslation()
  const { http } = useClient()
  const [persona, setPersona] = useState<PersonaOut | null>(null)
  const [failed, setFailed] = useState(false)

  useEffect(() => {
    if (id === null) return
    let wanted = true
    http.personas.get(id).then(
      (found) => wanted && setPersona(found),
      () => wanted && setFailed(true),
    )
    return () => {
      wanted = false
    }
  }, [http, id])

  if (failed) {
    return (
      <Empty whole icon="persona" title={t('personas.notFound')}>
        <Link className="button button-plain" to={{ name: 'personas' }}>
          {t('personas.title')}
        </Link>
      </Empty>
    )
  }
  if (id !== null && persona === null) return <Loading />
  return <EditorForm persona={persona} onChange={setPersona} />
}

interface FormProps {
  readonly persona: PersonaOut | null
  readonly onChange: (persona: PersonaOut) => void
}

function EditorForm({ persona, onChange }: FormProps) {
  const { t } = useTranslation()
  const { http } = useClient()
  const [draft, setDraft] = useState<PersonaDraft>(() => (persona ? draftOf(persona) : EMPTY_DRAFT))
  const { run, busy } = useTask()
  const mayChange = persona === null || persona.mine
  const change = (changes: Partial<PersonaDraft>) => setDraft((before) => ({ ...before, ...changes }))

  function save(event: FormEvent) {
    event.preventDefault()
    const body = personaOf(draft)
    run(
      () => (persona === null ? http.personas.create(body) : http.personas.update(persona.id, body)),
      (saved) => {
        noteDone(t('common.saved'))
        onChange(saved)
        if (persona === null) navigate({ name: 'persona', id: saved.id }, 'replace')
      },
    )
  }

  return (
    <form className="page" onSubmit={save}>
      <EditorBar persona={persona} busy={busy} mayChange={mayChange} />
      <div className="page-body scroll">
        <fieldset className="editor" disabled={!mayChange}>
          <legend className="unseen">{t('personas.editor')}</legend>
          {persona && <AvatarField persona={persona} onChange={onChange} />}
          <Basics draft={draft} change={change} />
          <Speech draft={draft} change={change} />
          <LoreEditor lore={draft.lore} onChange={(lore) => change({ lore })} />
          <Model draft={draft} change={change} />
        </fieldset>
      </div>
    </form>
  )
}

interface PartProps {
  readonly draft: PersonaDraft
  readonly change: (changes: Partial<PersonaDraft>) => void
}

function Basics({ draft, change }: PartProps) {
  const { t } = useTranslation()
  return (
    <section className="editor-part">
      <h2>{t('personas.part.who')}</h2>
      <TextField
        label={t('personas.field.name')}
        value={draft.name}
        required
        maxLength={80}
        onChange={(event) => change({ name: event.target.value })}
      />
      <LongField
        name="description"
        rows={5}
        value={draft.description}
        onChange={(description) => change({ description })}
      />
      <LongField
        name="personality"
        rows={3}
        value={draft.personality}
        onChange={(personality) => change({ personality })}
      />
      <LongField
        name="scenario"
        rows={3}
        value={draft.scenario}
        onChange={(scenario) => change({ scenario })}
      />
      <TextField
        label={t('personas.field.tags')}
        hint={t('personas.hint.tags')}
        value={draft.tags}
        onChange={(event) => change({ tags: event.target.value })}
      />
      <fieldset className="segments-field">
        <legend className="field-title">{t('personas.field.visibility')}</legend>
        <div className="segments">
          {(['private', 'public'] as const).map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={draft.visibility === each}
              onClick={() => change({ visibility: each })}
            >
              {t(`personas.visibility.${each}`)}
            </button>
          ))}
        </div>
        <p className="field-hint">{t(`personas.visibilityHint.${draft.visibility}`)}</p>
      </fieldset>
    </section>
  )
}

function Speech({ draft, change }: PartProps) {
  const { t } = useTranslation()
  const greetings = draft.alternateGreetings
  return (
    <section className="editor-part">
      <h2>{t('personas.part.speech')}</h2>
      <LongField
        name="greeting"
        rows={3}
        value={draft.greeting}
        onChange={(greeting) => change({ greeting })}
      />
      {greetings.map(({ key, value }, at) => (
        <div key={key} className="pin">
          <textarea
            className="input"
            rows={2}
            aria-label={t('personas.field.alternateGreeting', { number: at + 1 })}
            value={value}
            onChange={(event) =>
              change({
                alternateGreetings: greetings.map((each) =>
                  each.key === key ? { key, value: event.target.value } : each,
                ),
              })
            }
          />
          <IconButton
            small
            icon="trash"
            label={t('personas.dropGreeting', { number: at + 1 })}
            onClick={() => change({ alternateGreetings: greetings.filter((each) => each.key !== key) })}
          />
        </div>
      ))}
      <Button
        small
        icon="plus"
        className="editor-add"
        onClick={() => change({ alternateGreetings: [...greetings, keyed('')] })}
      >
        {t('personas.addGreeting')}
      </Button>
      <LongField
        name="exampleDialogue"
        rows={4}
        value={draft.exampleDialogue}
        onChange={(exampleDialogue) => change({ exampleDialogue })}
      />
      <LongField
        name="systemPrompt"
        rows={3}
        value={draft.systemPrompt}
        onChange={(systemPrompt) => change({ systemPrompt })}
      />
      <LongField
        name="postHistory"
        rows={2}
        value={draft.postHistory}
        onChange={(postHistory) => change({ postHistory })}
      />
      <LongField
        name="creatorNotes"
        rows={2}
        value={draft.creatorNotes}
        onChange={(creatorNotes) => change({ creatorNotes })}
      />
    </section>
  )
}

function Model({ draft, change }: PartProps) {
  const { t } = useTranslation()
  return (
    <section className="editor-part">
      <h2>{t('personas.part.model')}</h2>
      <p className="field-hint">{t('personas.hint.model')}</p>
      <div className="editor-grid">
        <TextField
          label={t('personas.field.provider')}
          value={draft.provider}
          onChange={(event) => change({ provider: event.target.value })}
        />
        <TextField
          label={t('personas.field.model')}
          value={draft.model}
          onChange={(event) => change({ model: event.target.value })}
        />
        <TextField
          label={t('personas.field.temperature')}
          type="number"
          min={0}
          max={2}
          step="any"
          value={draft.temperature}
          onChange={(event) => change({ temperature: event.target.value })}
        />
        <TextField
          label={t('personas.field.maxTokens')}
          type="number"
          min={1}
          value={draft.maxTokens}
          onChange={(event) => change({ maxTokens: event.target.value })}
        />
      </div>
    </section>
  )
}

type LongFieldName =
  | 'description'
  | 'personality'
  | 'scenario'
  | 'greeting'
  | 'exampleDialogue'
  | 'systemPrompt'
  | 'postHistory'
  | 'creatorNotes'

interface LongFieldProps {
  readonly name: LongFieldName
  readonly rows: number
  readonly value: string
  readonly onChange: (value: string) => void
}

const MAX_TEXT_CHARS = 32_000

/** What a card says for a name is told as it stands. */
const PLACEHOLDERS = { char: '{{char}}', user: '{{user}}' }

function LongField({ name, rows, value, onChange }: LongFieldProps) {
  const { t } = useTranslation()
  return (
    <TextArea
      label={t(`personas.field.${name}`)}
      hint={t(`personas.hint.${name}`, PLACEHOLDERS) || undefined}
      rows={rows}
      maxLength={MAX_TEXT_CHARS}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  )
}

interface BarProps {
  readonly persona: PersonaOut | null
  readonly busy: boolean
  readonly mayChange: boolean
}

function EditorBar({ persona, busy, mayChange }: BarProps) {
  const { t } = useTranslation()
  const { http } = useClient()
  const { run, busy: beginning } = useTask()
  const [deleting, setDeleting] = useState(false)

  async function download(format: 'json' | 'png', spec: 'v2' | 'v3') {
    if (persona === null) return
    try {
      saveFile(await http.personas.exportCard(persona.id, format, spec), `${persona.name}.${format}`)
    } catch (error) {
      noteFailure(error)
    }
  }

  const talk = (id: string) =>
    run(
      () => http.personas.begin(id),
      (conversation) => navigate({ name: 'conversation', id: conversation.id }),
    )

  return (
    <header className="bar page-bar">
      <IconButton icon="back" label={t('personas.title')} onClick={() => navigate({ name: 'personas' })} />
      <h1>
        <bdi>{persona?.name ?? t('personas.new')}</bdi>
        {persona && <PersonaBadge />}
      </h1>
      {persona && (
        <>
          <Button disabled={beginning} onClick={() => talk(persona.id)}>
            {t('personas.talk')}
          </Button>
          <Menu
            label={t('personas.options')}
            groups={[
              [
                {
                  label: t('personas.export.png'),
                  icon: 'download',
                  onChoose: () => void download('png', 'v3'),
                },
                {
                  label: t('personas.export.v3'),
                  icon: 'download',
                  onChoose: () => void download('json', 'v3'),
                },
                {
                  label: t('personas.export.v2'),
                  icon: 'download',
                  onChoose: () => void download('json', 'v2'),
                },
              ],
              ...(mayChange
                ? [
                    [
                      {
                        label: t('personas.delete'),
                        icon: 'trash',
                        danger: true,
                        onChoose: () => setDeleting(true),
                      } as const,
                    ],
                  ]
                : []),
            ]}
            trigger={(attributes) => <IconButton icon="more" label={t('personas.options')} {...attributes} />}
          />
        </>
      )}
      {mayChange && (
        <Button type="submit" kind="primary" disabled={busy}>
          {t('common.save')}
        </Button>
      )}
      {deleting && persona && <Deleting persona={persona} onClose={() => setDeleting(false)} />}
    </header>
  )
}

function Deleting({ persona, onClose }: { readonly persona: PersonaOut; readonly onClose: () => void }) {
  const { t } = useTranslation()
  const { http } = useClient()
  const { run, busy } = useTask()
  const remove = () =>
    run(
      () => http.personas.remove(persona.id),
      () => navigate({ name: 'personas' }, 'replace'),
    )
  return (
    <Dialog
      title={t('personas.delete')}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button kind="danger" disabled={busy} onClick={remove}>
            {t('personas.delete')}
          </Button>
        </>
      }
    >
      <p>{t('personas.deleteSure', { name: persona.name })}</p>
    </Dialog>
  )
}
