import { type FormEvent, useId, useState } from 'react'
import { Button } from '../design/Button.tsx'
import { TextArea, TextField } from '../design/Field.tsx'
import { Mark } from '../design/Mark.tsx'
import { useTranslation } from '../i18n/useTranslation.ts'
import { wordError } from '../lib/errors.ts'
import { useTask } from '../lib/useTask.ts'
import type { ServerConfig } from './config.ts'
import './enter.css'
import { LanguageButtons } from './LanguageButtons.tsx'
import { isUserId } from './open.ts'
import { enterAs, enterWith, logIn } from './session.ts'
import { endOf } from './token.ts'

interface Props {
  readonly config: ServerConfig
  readonly error: unknown
}

/** The door: a name, a login or a token, as the server is set up. */
export function Enter({ config, error }: Props) {
  const { t } = useTranslation()
  return (
    <main className="enter">
      <div className="enter-card">
        <Mark size={56} />
        <h1>{t('enter.welcome')}</h1>
        {error !== undefined && (
          <p className="enter-error" role="alert">
            {t('enter.failed')} {wordError(t, error)}
          </p>
        )}
        {config.auth === 'open' ? <NameForm config={config} /> : <TokenForm config={config} />}
      </div>
      <LanguageButtons />
    </main>
  )
}

function NameForm({ config }: { readonly config: ServerConfig }) {
  const { t } = useTranslation()
  const [name, setName] = useState('')
  const [wrong, setWrong] = useState(false)

  function submit(event: FormEvent) {
    event.preventDefault()
    const chosen = name.trim()
    if (isUserId(chosen)) enterAs(config, chosen)
    else setWrong(true)
  }

  return (
    <form className="form" onSubmit={submit}>
      <TextField
        label={t('enter.name')}
        hint={t('enter.nameHint')}
        error={wrong ? t('enter.nameWrong') : undefined}
        value={name}
        maxLength={128}
        autoFocus
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        onChange={(event) => {
          setName(event.target.value)
          setWrong(false)
        }}
      />
      <Button type="submit" kind="primary">
        {t('enter.come')}
      </Button>
    </form>
  )
}

function TokenForm({ config }: { readonly config: ServerConfig }) {
  const { t } = useTranslation()
  const id = useId()
  const [token, setToken] = useState('')
  const [wrong, setWrong] = useState(false)
  const { run, busy } = useTask()
  const { oidc } = config

  function submit(event: FormEvent) {
    event.preventDefault()
    const end = endOf(token.trim())
    if (end === null || end <= Date.now()) setWrong(true)
    else enterWith(config, token)
  }

  const form = (
    <form id={id} className="form" onSubmit={submit}>
      <TextArea
        label={t('enter.token')}
        hint={t('enter.tokenHint')}
        error={wrong ? t('enter.tokenWrong') : undefined}
        value={token}
        rows={4}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => {
          setToken(event.target.value)
          setWrong(false)
        }}
      />
      <Button type="submit" kind={oidc ? 'plain' : 'primary'} disabled={token.trim() === ''}>
        {t('enter.come')}
      </Button>
    </form>
  )
  if (oidc === null) return form
  return (
    <>
      <Button kind="primary" disabled={busy} onClick={() => run(() => logIn(oidc))}>
        {t('enter.login', { host: new URL(oidc.issuer).host })}
      </Button>
      <details className="enter-token">
        <summary>{t('enter.orToken')}</summary>
        {form}
      </details>
    </>
  )
}
