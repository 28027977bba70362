import { Dialog } from '../design/Dialog.tsx'
import { useTranslation } from '../i18n/useTranslation.ts'
import { MODIFIER } from './SidebarHead.tsx'

const SHORTCUTS = [
  ['switch', [`${MODIFIER.trim()} + K`]],
  ['new', ['Alt + N']],
  ['send', ['Enter']],
  ['line', ['Shift + Enter']],
  ['takeBack', ['↑']],
  ['escape', ['Esc']],
  ['help', ['?']],
] as const

export function ShortcutHelp({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation()
  return (
    <Dialog title={t('shortcuts.title')} onClose={onClose}>
      <dl className="shortcuts">
        {SHORTCUTS.map(([name, keys]) => (
          <div key={name}>
            <dt>{t(`shortcuts.${name}`)}</dt>
            <dd>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
