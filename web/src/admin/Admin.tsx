import type { ReactNode } from 'react'
import { navigate } from '../app/routes.ts'
import { IconButton } from '../design/Button.tsx'
import { Empty } from '../design/Empty.tsx'
import { formatNumber, useLocale } from '../i18n/format.ts'
import { useTranslation } from '../i18n/useTranslation.ts'
import { codeOf, wordError } from '../lib/errors.ts'
import '../design/page.css'
import './admin.css'
import { Sparkline } from './Sparkline.tsx'
import { type AdminStatus, type Percentiles, type TopConversation, useStatus } from './status.ts'

/** How the server does, for those who run it. */
export default function Admin() {
  const { t } = useTranslation()
  const { history, error } = useStatus()
  const status = history.at(-1)
  return (
    <div className="page">
      <header className="bar page-bar">
        <IconButton
          icon="back"
          className="only-phone"
          label={t('conversations.toList')}
          onClick={() => navigate({ name: 'home' })}
        />
        <h1>{t('admin.title')}</h1>
        {status && <Summary status={status} stale={error !== null} />}
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard */}
      <section className="page-body scroll" tabIndex={0} aria-label={t('admin.title')}>
        {status ? (
          <Board history={history} status={status} />
        ) : error === null ? (
          <p className="list-loading">{t('common.loading')}</p>
        ) : (
          <Empty
            icon={codeOf(error) === 'forbidden' ? 'leave' : 'warning'}
            title={codeOf(error) === 'forbidden' ? t('admin.forbidden') : t('admin.failed')}
            text={codeOf(error) === 'forbidden' ? t('admin.forbiddenHint') : wordError(t, error)}
          />
        )}
      </section>
    </div>
  )
}

function Summary({ status, stale }: { readonly status: AdminStatus; readonly stale: boolean }) {
  const { t } = useTranslation()
  const locale = useLocale()
  return (
    <p className={stale ? 'admin-summary admin-stale' : 'admin-summary'}>
      {stale
        ? t('admin.stale')
        : t('admin.summary', {
            version: status.version,
            uptime: duration(locale, status.uptime_s),
            memory: status.memory_bytes === null ? '–' : bytes(locale, status.memory_bytes),
          })}
    </p>
  )
}

interface BoardProps {
  readonly history: readonly AdminStatus[]
  readonly status: AdminStatus
}

function Board({ history, status }: BoardProps) {
  const { t } = useTranslation()
  const locale = useLocale()
  const number = (value: number) => formatNumber(locale, value, { maximumFractionDigits: value < 10 ? 1 : 0 })
  const rate = (pick: (one: AdminStatus) => number) => ({
    value: `${number(pick(status))} /s`,
    values: history.map(pick),
  })
  return (
    <div className="board">
      <div className="tiles">
        <Tile
          name={t('admin.connections')}
          value={number(status.connections.open)}
          note={t('admin.ofLimit', {
            limit: number(status.connections.limit),
            count: status.users_online,
          })}
          values={history.map((one) => one.connections.open)}
        />
        <Tile name={t('admin.messages')} {...rate((one) => one.traffic.messages_per_s)} />
        <Tile name={t('admin.deliveries')} {...rate((one) => one.traffic.deliveries_per_s)} />
        <Tile
          name={t('admin.journal')}
          value={number(status.journal.waiting)}
          note={t('admin.catchingUp', { count: status.readers.catching_up })}
          values={history.map((one) => one.journal.waiting)}
        />
        <Tile
          name={t('admin.replies')}
          value={number(status.replies.running)}
          note={t('admin.repliesWaiting', { count: status.replies.waiting })}
          values={history.map((one) => one.replies.running)}
        />
        <Tile name={t('admin.requests')} {...rate((one) => one.traffic.http_requests_per_s)} />
      </div>
      <div className="panels">
        <Panel title={t('admin.latency')}>
          <Latency history={history} status={status} />
        </Panel>
        <Panel title={t('admin.errors')}>
          <Errors status={status} />
        </Panel>
        <Panel title={t('admin.top')} wide>
          <Top conversations={status.top_conversations} number={number} />
        </Panel>
        {status.replies.providers.length > 0 && (
          <Panel title={t('admin.providers')} wide>
            <ul className="providers">
              {status.replies.providers.map((provider) => (
                <li key={provider.name}>
                  <span className={`lamp lamp-${provider.state}`} aria-hidden="true" />
                  <strong>{provider.name}</strong>
                  <span>
                    {isBreaker(provider.state) ? t(`admin.breaker.${provider.state}`) : provider.state} ·{' '}
                    {t('admin.slots', { count: provider.slots })}
                  </span>
                </li>
              ))}
            </ul>
          </Panel>
        )}
      </div>
    </div>
  )
}

function isBreaker(state: string): state is 'closed' | 'half_open' | 'open' {
  return state === 'closed' || state === 'half_open' || state === 'open'
}

interface TileProps {
  readonly name: string
  readonly value: string
  readonly note?: string
  readonly values: readonly (number | null)[]
}

function Tile({ name, value, note, values }: TileProps) {
  const { t } = useTranslation()
  return (
    <section className="tile" aria-label={name}>
      <h2>{name}</h2>
      <p className="tile-value">{value}</p>
      <Sparkline values={values} label={t('admin.lastMinutes', { name })} />
      <p className="tile-note">{note}</p>
    </section>
  )
}

interface PanelProps {
  readonly title: string
  readonly wide?: boolean
  readonly children: ReactNode
}

function Panel({ title, wide, children }: PanelProps) {
  return (
    <section className={wide ? 'panel panel-wide' : 'panel'}>
      <h2>{title}</h2>
      {children}
    </section>
  )
}

const LATENCIES = ['commit', 'delivery', 'http'] as const

function Latency({ history, status }: BoardProps) {
  const { t } = useTranslation()
  const locale = useLocale()
  const ms = (value: number | null) =>
    value === null ? '–' : `${formatNumber(locale, value, { maximumFractionDigits: value < 10 ? 1 : 0 })} ms`
  return (
    <table className="figures">
      <thead>
        <tr>
          <th scope="col">{t('admin.what')}</th>
          <th scope="col">p50</th>
          <th scope="col">p95</th>
          <th scope="col">p99</th>
          <th scope="col" className="figures-spark">
            p95
          </th>
        </tr>
      </thead>
      <tbody>
        {LATENCIES.map((name) => {
          const now: Percentiles = status.latency[name]
          return (
            <tr key={name}>
              <th scope="row">{t(`admin.of.${name}`)}</th>
              <td>{ms(now.p50_ms)}</td>
              <td>{ms(now.p95_ms)}</td>
              <td>{ms(now.p99_ms)}</td>
              <td className="figures-spark">
                <Sparkline
                  values={history.map((one) => one.latency[name].p95_ms)}
                  label={t('admin.lastMinutes', { name: t(`admin.of.${name}`) })}
                />
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}

function Errors({ status }: { readonly status: AdminStatus }) {
  const { t } = useTranslation()
  const locale = useLocale()
  const { refused, failed, providers } = status.errors_per_minute
  const rows = [
    ...Object.entries(failed).map(([code, rate]) => ['failed', code, rate] as const),
    ...Object.entries(providers).map(([code, rate]) => ['providers', code, rate] as const),
    ...Object.entries(refused).map(([code, rate]) => ['refused', code, rate] as const),
    ...Object.entries(status.connections.closed_per_minute).map(
      ([code, rate]) => ['closed', code, rate] as const,
    ),
  ].filter(([, , rate]) => rate > 0)
  if (rows.length === 0) return <p className="panel-none">{t('admin.noErrors')}</p>
  return (
    <table className="figures">
      <thead>
        <tr>
          <th scope="col">{t('admin.what')}</th>
          <th scope="col">{t('admin.perMinute')}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([kind, code, rate]) => (
          <tr key={kind + code}>
            <th scope="row">
              <span className={`kind-${kind}`}>{t(`admin.kind.${kind}`)}</span> <code>{code}</code>
            </th>
            <td>{formatNumber(locale, rate, { maximumFractionDigits: 1 })}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

interface TopProps {
  readonly conversations: readonly TopConversation[]
  readonly number: (value: number) => string
}

function Top({ conversations, number }: TopProps) {
  const { t } = useTranslation()
  if (conversations.length === 0) return <p className="panel-none">{t('admin.noTop')}</p>
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
    <section className="figures-scroll" tabIndex={0} aria-label={t('admin.top')}>
      <table className="figures">
        <thead>
          <tr>
            <th scope="col">{t('admin.conversation')}</th>
            <th scope="col">{t('admin.members')}</th>
            <th scope="col">{t('admin.joined')}</th>
            <th scope="col">{t('admin.messages')}</th>
            <th scope="col">{t('admin.deliveries')}</th>
          </tr>
        </thead>
        <tbody>
          {conversations.map((one) => (
            <tr key={one.id}>
              <th scope="row">
                <bdi className="figures-name">{one.title ?? one.id}</bdi>
              </th>
              <td>{one.member_count === null ? '–' : number(one.member_count)}</td>
              <td>{number(one.joined)}</td>
              <td>{number(one.messages_per_s)} /s</td>
              <td>{number(one.deliveries_per_s)} /s</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function bytes(locale: string, value: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const
  const at = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, value)) / 3))
  const unit = units[at] ?? 'byte'
  return formatNumber(locale, value / 1000 ** at, {
    style: 'unit',
    unit,
    unitDisplay: 'short',
    maximumFractionDigits: 1,
  })
}

function duration(locale: string, seconds: number): string {
  const [value, unit] =
    seconds >= 172_800
      ? ([seconds / 86_400, 'day'] as const)
      : seconds >= 7200
        ? ([seconds / 3600, 'hour'] as const)
        : seconds >= 120
          ? ([seconds / 60, 'minute'] as const)
          : ([seconds, 'second'] as const)
  return formatNumber(locale, Math.floor(value), { style: 'unit', unit, unitDisplay: 'long' })
}
