import { type MouseEvent, type ReactNode, useId, useLayoutEffect, useRef } from 'react'
import { useTranslation } from '../i18n/useTranslation.ts'
import { classes } from '../lib/classes.ts'
import { IconButton } from './Button.tsx'
import './dialog.css'

interface Props {
  readonly title: string
  readonly onClose: () => void
  readonly children: ReactNode
  /** Buttons at the foot. */
  readonly actions?: ReactNode
  readonly shape?: 'box' | 'drawer' | 'palette'
}

/**
 * A native modal dialog: the browser keeps focus in it, makes the rest inert, closes it on Esc and gives focus
 * back to where it was.
 */
export function Dialog({ title, onClose, children, actions, shape = 'box' }: Props) {
  const { t } = useTranslation()
  const titleId = useId()
  const dialog = useRef<HTMLDialogElement>(null)

  // Closed while it is still in the document: only then does the browser give focus back.
  useLayoutEffect(() => {
    const shown = dialog.current
    shown?.showModal()
    return () => shown?.close()
  }, [])

  function closeFromOutside(event: MouseEvent) {
    // Only the backdrop is the dialog itself; everything in it is within the body.
    if (event.target === dialog.current) onClose()
  }

  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Esc does the same, and the browser handles it
    <dialog
      ref={dialog}
      className={classes('dialog', `dialog-${shape}`)}
      aria-labelledby={titleId}
      onClick={closeFromOutside}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
    >
      <div className="dialog-body">
        <header className={classes('dialog-head', shape === 'palette' && 'unseen')}>
          <h2 id={titleId}>{title}</h2>
          {shape !== 'palette' && <IconButton icon="close" label={t('common.close')} onClick={onClose} />}
        </header>
        <div className="dialog-content scroll">{children}</div>
        {actions && <footer className="dialog-actions">{actions}</footer>}
      </div>
    </dialog>
  )
}
