import { useTranslation } from '../i18n/useTranslation.ts'
import './loading.css'

/** A screen that is on its way; it has its heading already, for those who find their way by headings. */
export function Loading() {
  const { t } = useTranslation()
  return <h1 className="loading">{t('common.loading')}</h1>
}
