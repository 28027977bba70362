import { setLocale } from '../i18n/index.ts'
import { LOCALE_NAMES, LOCALES } from '../i18n/locales.ts'
import { useTranslation } from '../i18n/useTranslation.ts'

export function LanguageButtons() {
  const { t, i18n } = useTranslation()
  return (
    <fieldset className="languages">
      <legend className="unseen">{t('menu.language')}</legend>
      {LOCALES.map((locale) => (
        <button
          key={locale}
          type="button"
          lang={locale}
          aria-pressed={i18n.language === locale}
          onClick={() => setLocale(locale)}
        >
          {LOCALE_NAMES[locale]}
        </button>
      ))}
    </fieldset>
  )
}
