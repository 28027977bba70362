import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from 'react'
import './popover.css'

interface TriggerAttributes {
  readonly 'aria-haspopup': 'dialog'
  readonly 'aria-expanded': boolean
  readonly onClick: () => void
}

interface Props {
  readonly label: string
  readonly trigger: (attributes: TriggerAttributes) => ReactNode
  readonly children: (close: () => void) => ReactNode
}

/** Something that floats above its button until Esc, or a click elsewhere. */
export function Popover({ label, trigger, children }: Props) {
  const [open, setOpen] = useState(false)
  const root = useRef<HTMLDivElement>(null)

  useEffect(() => {
    if (!open) return
    const closeFromOutside = (event: PointerEvent) => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) setOpen(false)
    }
    document.addEventListener('pointerdown', closeFromOutside)
    return () => document.removeEventListener('pointerdown', closeFromOutside)
  }, [open])

  function close() {
    setOpen(false)
    root.current?.querySelector<HTMLElement>('[aria-haspopup="dialog"]')?.focus()
  }

  function onKeyDown(event: KeyboardEvent) {
    if (!open || event.key !== 'Escape') return
    event.stopPropagation()
    close()
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Esc of the panel within
    <div className="popover" ref={root} onKeyDown={onKeyDown}>
      {trigger({ 'aria-haspopup': 'dialog', 'aria-expanded': open, onClick: () => setOpen(!open) })}
      {open && (
        <div className="popover-panel" role="dialog" aria-label={label}>
          {children(close)}
        </div>
      )}
    </div>
  )
}
