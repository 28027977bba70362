import type { BudgetLeft, MessageItem, ReplyEnd } from '@gator/chat'
import { useClient } from '@gator/chat/react'
import { useEffect, useState } from 'react'
import { formatMoment, formatNumber, useLocale } from '../i18n/format.ts'
import { useTranslation } from '../i18n/useTranslation.ts'

interface Props {
  readonly messages: readonly MessageItem[]
  readonly replyEnds: readonly ReplyEnd[]
}

/** How much of the tightest limit is left, asked for again after each reply; nothing where there are no limits. */
export function BudgetLine({ messages, replyEnds }: Props) {
  const { t } = useTranslation()
  const locale = useLocale()
  const limit = useTightest(messages.findLast((message) => message.is_ai)?.id, replyEnds.at(-1)?.runId)
  if (limit === null) return null
  const words = {
    left: amount(locale, limit, limit.left),
    limit: amount(locale, limit, limit.limit),
    when: formatMoment(locale, limit.resets_at),
  }
  return (
    <p className={limit.left <= 0 ? 'budget budget-spent' : 'budget'}>
      {limit.left > 0 ? t(`budget.left.${limit.measure}`, words) : t('budget.spent', words)}{' '}
      {t(`budget.window.${limit.window}`)}
    </p>
  )
}

function amount(locale: string, { measure }: BudgetLeft, value: number): string {
  const shown = Math.max(0, measure === 'currency' ? value / 1_000_000 : value)
  return formatNumber(
    locale,
    shown,
    measure === 'currency' ? { minimumFractionDigits: 2, maximumFractionDigits: 2 } : {},
  )
}

function useTightest(newestReply: string | undefined, newestEnd: string | undefined): BudgetLeft | null {
  const { http } = useClient()
  const [limits, setLimits] = useState<readonly BudgetLeft[]>([])

  // biome-ignore lint/correctness/useExhaustiveDependencies: asked for again after each reply
  useEffect(() => {
    let wanted = true
    http.personas.budget().then(
      (budget) => wanted && setLimits(budget.limits),
      // Without the figure the conversation goes on; the next reply asks again.
      () => undefined,
    )
    return () => {
      wanted = false
    }
  }, [http, newestReply, newestEnd])

  return limits.reduce<BudgetLeft | null>(
    (tightest, each) => (tightest === null || share(each) < share(tightest) ? each : tightest),
    null,
  )
}

function share({ left, limit }: BudgetLeft): number {
  return limit > 0 ? left / limit : 0
}
