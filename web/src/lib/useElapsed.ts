import { useEffect, useState } from 'react'

/** Milliseconds since `key` was first seen here, by the second, until `untilMs` have passed. */
export function useElapsed(key: string, untilMs: number): number {
  const [begun, setBegun] = useState(() => ({ key, at: Date.now() }))
  const [now, setNow] = useState(() => Date.now())
  if (begun.key !== key) setBegun({ key, at: Date.now() })
  const elapsed = Math.max(0, now - begun.at)

  useEffect(() => {
    if (elapsed >= untilMs) return
    const timer = setTimeout(() => setNow(Date.now()), 1_000)
    return () => clearTimeout(timer)
  }, [elapsed, untilMs])

  return elapsed
}
