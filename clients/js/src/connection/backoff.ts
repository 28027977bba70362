const LONGEST_MS = 30_000

/**
 * How long to wait before an attempt: anything up to 1 s, then up to 2 s, 4 s ... 30 s ("full jitter"), so
 * that all who lost the same server do not come back together.
 *
 * @param failures - Attempts that failed since the last success, this loss included: 1, 2, 3 ...
 * @param random - In [0, 1).
 */
export function backoff(failures: number, random: number): number {
  return Math.round(random * Math.min(LONGEST_MS, 1000 * 2 ** (failures - 1)))
}
