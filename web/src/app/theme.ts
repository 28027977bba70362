import { keep, kept, local } from '../lib/keep.ts'
import { createValue, useValue } from '../lib/value.ts'

export const THEMES = ['system', 'light', 'dark'] as const

export type Theme = (typeof THEMES)[number]

const KEY = 'gator.theme'

function readTheme(): Theme {
  const found = kept(local, KEY)
  return THEMES.find((theme) => theme === found) ?? 'system'
}

const theme = createValue<Theme>(readTheme())

function show(chosen: Theme): void {
  if (chosen === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = chosen
}

show(theme.get())

/** Take another theme, now and on later visits. */
export function setTheme(chosen: Theme): void {
  keep(local, KEY, chosen === 'system' ? null : chosen)
  show(chosen)
  theme.set(chosen)
}

export function useTheme(): Theme {
  return useValue(theme)
}
