import type { TFunction } from 'i18next'
import en from '../i18n/en.json'

type KnownCode = keyof typeof en.errors

function isKnown(code: string): code is KnownCode {
  return Object.hasOwn(en.errors, code)
}

/** The `code` of a refusal; undefined for anything else that was thrown. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/**
 * Word a failure for people. Refusals go by their `code`; one that this page has no words for is worded by the
 * server.
 */
export function wordError(t: TFunction, error: unknown): string {
  const code = codeOf(error)
  if (code !== undefined && isKnown(code)) return t(`errors.${code}`)
  return error instanceof Error && error.message ? error.message : t('errors.unknown')
}
