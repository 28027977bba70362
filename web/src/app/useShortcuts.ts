import { useEffect } from 'react'

interface Actions {
  readonly onSwitch: () => void
  readonly onHelp: () => void
  readonly onNew: () => void
}

/** The keys that work everywhere. Single letters only where nothing is being written, and no dialog is open. */
export function useShortcuts({ onSwitch, onHelp, onNew }: Actions): void {
  useEffect(() => {
    function onKeyDown(event: KeyboardEvent) {
      if (event.defaultPrevented || document.querySelector('dialog[open]')) return
      const command = (event.ctrlKey || event.metaKey) && !event.altKey
      if (command && !event.shiftKey && event.key.toLowerCase() === 'k') act(event, onSwitch)
      else if (event.altKey && !command && event.code === 'KeyN') act(event, onNew)
      else if (event.key === '?' && !command && !isWriting(event.target)) act(event, onHelp)
    }
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  }, [onSwitch, onHelp, onNew])
}

function act(event: KeyboardEvent, action: () => void): void {
  event.preventDefault()
  action()
}

function isWriting(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  )
}
