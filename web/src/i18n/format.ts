import { useTranslation } from './useTranslation.ts'

const cache = new Map<string, Intl.DateTimeFormat>()

function formatter(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options)
  const found = cache.get(key) ?? new Intl.DateTimeFormat(locale, options)
  cache.set(key, found)
  return found
}

/** The time of day: `10:30`. */
export function formatTime(locale: string, timestamp: string): string {
  return formatter(locale, { hour: 'numeric', minute: '2-digit' }).format(new Date(timestamp))
}

/** Date and time in full, for those who want to know exactly. */
export function formatMoment(locale: string, timestamp: string): string {
  return formatter(locale, { dateStyle: 'full', timeStyle: 'medium' }).format(new Date(timestamp))
}

/** A day as people say it: "today", "yesterday", "Monday, 3 March", with the year if it is another one. */
export function formatDay(locale: string, timestamp: string, now: Date = new Date()): string {
  const date = new Date(timestamp)
  const days = daysBetween(date, now)
  if (days === 0 || days === 1) return capitalised(relative(locale).format(-days, 'day'))
  const year = date.getFullYear() === now.getFullYear() ? {} : ({ year: 'numeric' } as const)
  return formatter(locale, { weekday: 'long', day: 'numeric', month: 'long', ...year }).format(date)
}

/** When something happened, briefly, for lists: the time today, the weekday within a week, else the date. */
export function formatBrief(locale: string, timestamp: string, now: Date = new Date()): string {
  const date = new Date(timestamp)
  const days = daysBetween(date, now)
  if (days <= 0) return formatTime(locale, timestamp)
  if (days === 1) return capitalised(relative(locale).format(-1, 'day'))
  if (days < 7) return formatter(locale, { weekday: 'short' }).format(date)
  const year = date.getFullYear() === now.getFullYear() ? {} : ({ year: '2-digit' } as const)
  return formatter(locale, { day: 'numeric', month: 'short', ...year }).format(date)
}

/** How long ago something was, in the largest unit that says something: "5 minutes ago". */
export function formatAgo(locale: string, timestamp: string, now: Date = new Date()): string {
  const seconds = Math.max(0, (now.getTime() - Date.parse(timestamp)) / 1000)
  if (seconds < 60) return relative(locale).format(-Math.floor(seconds), 'second')
  if (seconds < 3600) return relative(locale).format(-Math.floor(seconds / 60), 'minute')
  if (seconds < 86_400) return relative(locale).format(-Math.floor(seconds / 3600), 'hour')
  return relative(locale).format(-Math.floor(seconds / 86_400), 'day')
}

export function formatNumber(locale: string, value: number, options?: Intl.NumberFormatOptions): string {
  return new Intl.NumberFormat(locale, options).format(value)
}

/** Names in a row: "Ada, Bob and Cleo". */
export function formatList(locale: string, names: readonly string[]): string {
  return new Intl.ListFormat(locale, { type: 'conjunction' }).format(names)
}

function relative(locale: string): Intl.RelativeTimeFormat {
  return new Intl.RelativeTimeFormat(locale, { numeric: 'auto' })
}

function capitalised(text: string): string {
  return text.charAt(0).toLocaleUpperCase() + text.slice(1)
}

/** Whole days by the calendar of this place, however long they are. */
function daysBetween(date: Date, now: Date): number {
  const midnight = (each: Date) => Date.UTC(each.getFullYear(), each.getMonth(), each.getDate())
  return Math.round((midnight(now) - midnight(date)) / 86_400_000)
}

/**
 * How dates and numbers are written: as the browser's own locale has it if that speaks the page's language, so
 * that English in Britain is not written as in America.
 */
export function useLocale(): string {
  const { language } = useTranslation().i18n
  return navigator.languages.find((tag) => tag.split('-')[0] === language) ?? language
}
