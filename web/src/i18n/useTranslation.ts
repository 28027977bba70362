import i18next, { type TFunction } from 'i18next'
import { createValue, useValue } from '../lib/value.ts'

/** The words of the page, and the language that they are in. */
export interface Translation {
  readonly t: TFunction
  readonly i18n: { readonly language: string }
}

const translation = createValue<Translation>({ t: i18next.t, i18n: { language: 'en' } })

// A list of messages asks for words some hundred times a frame, so that asking has to cost nothing: all who ask
// get the same object, and another one when the language changes.
i18next.on('languageChanged', (language) =>
  translation.set({ t: i18next.getFixedT(language), i18n: { language } }),
)

export function useTranslation(): Translation {
  return useValue(translation)
}
