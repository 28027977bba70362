import { useCallback, useState } from 'react'
import { noteFailure } from '../design/notes.tsx'

/** Something that takes a moment, one at a time: `busy` meanwhile, and a note if it fails. */
export function useTask(): {
  readonly busy: boolean
  readonly run: <T>(task: () => Promise<T>, done?: (result: T) => void) => void
} {
  const [busy, setBusy] = useState(false)
  const run = useCallback(<T>(task: () => Promise<T>, done?: (result: T) => void) => {
    setBusy(true)
    task()
      .then((result) => done?.(result), noteFailure)
      .finally(() => setBusy(false))
  }, [])
  return { busy, run }
}
