import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { classes } from '../lib/classes.ts'
import { Icon, type IconName } from './Icon.tsx'
import './menu.css'

export interface MenuItem {
  readonly label: string
  readonly icon?: IconName
  readonly onChoose: () => void
  readonly danger?: boolean
  /** For a choice among several: whether it is the one in force. */
  readonly checked?: boolean
}

interface Props {
  /** What is clicked; it gets the attributes of a menu button. */
  readonly trigger: (attributes: TriggerAttributes) => ReactNode
  /** Groups of items, set apart by a line. */
  readonly groups: readonly (readonly MenuItem[])[]
  readonly placement?: 'below' | 'above'
  readonly align?: 'start' | 'end'
  readonly label: string
}

export interface TriggerAttributes {
  readonly 'aria-haspopup': 'menu'
  readonly 'aria-expanded': boolean
  readonly 'aria-controls': string | undefined
  readonly onClick: () => void
}

/** A menu button as the ARIA practices describe it: arrows, Home and End move, Esc goes back to the button. */
export function Menu({ trigger, groups, placement = 'below', align = 'end', label }: Props) {
  const [open, setOpen] = useState(false)
  const id = useId()
  const root = useRef<HTMLDivElement>(null)

  useEffect(() => {
    if (!open) return
    root.current?.querySelector<HTMLElement>('[role^="menuitem"]')?.focus()
    const closeFromOutside = (event: PointerEvent) => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) setOpen(false)
    }
    document.addEventListener('pointerdown', closeFromOutside)
    return () => document.removeEventListener('pointerdown', closeFromOutside)
  }, [open])

  function close() {
    setOpen(false)
    root.current?.querySelector<HTMLElement>('[aria-haspopup="menu"]')?.focus()
  }

  function onKeyDown(event: KeyboardEvent) {
    if (!open) return
    const items = [...(root.current?.querySelectorAll<HTMLElement>('[role^="menuitem"]') ?? [])]
    const at = items.findIndex((item) => item.matches(':focus'))
    const target = nextIndex(event.key, at, items.length)
    if (target !== undefined) items[target]?.focus()
    else if (event.key === 'Escape') close()
    else if (event.key === 'Tab') setOpen(false)
    else return
    if (event.key !== 'Tab') event.preventDefault()
    event.stopPropagation()
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys of the menu within
    <div className="menu" ref={root} onKeyDown={onKeyDown}>
      {trigger({
        'aria-haspopup': 'menu',
        'aria-expanded': open,
        'aria-controls': open ? id : undefined,
        onClick: () => setOpen(!open),
      })}
      {open && (
        <div
          className={classes('menu-list', `menu-${placement}`, `menu-${align}`)}
          role="menu"
          id={id}
          aria-label={label}
        >
          {groups.map((items, number) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: groups have no identity beside their place
            // biome-ignore lint/a11y/useSemanticElements: a fieldset is no part of a menu
            <div key={number} className="menu-group" role="group">
              {items.map((item) => (
                // biome-ignore lint/a11y/useAriaPropsSupportedByRole: it has the role that supports it
                <button
                  key={item.label}
                  type="button"
                  role={item.checked === undefined ? 'menuitem' : 'menuitemradio'}
                  aria-checked={item.checked}
                  tabIndex={-1}
                  className={classes('menu-item', item.danger && 'menu-item-danger')}
                  onClick={() => {
                    close()
                    item.onChoose()
                  }}
                >
                  {item.icon && <Icon name={item.icon} size={18} />}
                  <span className="menu-label">{item.label}</span>
                  {item.checked && <Icon name="check" size={16} />}
                </button>
              ))}
            </div>
          ))}
        </div>
      )}
    </div>
  )
}

function nextIndex(key: string, at: number, count: number): number | undefined {
  if (count === 0) return undefined
  switch (key) {
    case 'ArrowDown':
      return (at + 1) % count
    case 'ArrowUp':
      return (at - 1 + count) % count
    case 'Home':
      return 0
    case 'End':
      return count - 1
    default:
      return undefined
  }
}
