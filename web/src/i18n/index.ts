import i18next from 'i18next'
import { keep, kept, local } from '../lib/keep.ts'
import de from './de.json'
import en from './en.json'
import './useTranslation.ts'
import { isLocale, LOCALES, type Locale } from './locales.ts'

const KEY = 'gator.locale'

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { translation: typeof en }
  }
}

/** The language chosen here, else the first of the browser's that we speak, else English. */
function preferredLocale(): Locale {
  const chosen = kept(local, KEY)
  if (isLocale(chosen)) return chosen
  return navigator.languages.map((tag) => tag.split('-')[0]).find(isLocale) ?? LOCALES[0]
}

function showLocale(locale: string): void {
  document.documentElement.lang = locale
}

/** Make the page speak. Catalogs are part of it, so that nothing is shown before there are words. */
export function initLanguage(locale: Locale = preferredLocale()): void {
  void i18next.init({
    resources: { en: { translation: en }, de: { translation: de } },
    lng: locale,
    fallbackLng: LOCALES[0],
    initAsync: false,
    // React escapes what it shows.
    interpolation: { escapeValue: false },
  })
  showLocale(locale)
}

export function setLocale(locale: Locale): void {
  keep(local, KEY, locale)
  showLocale(locale)
  void i18next.changeLanguage(locale)
}
