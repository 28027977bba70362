interface Props {
  readonly values: readonly (number | null)[]
  /** What the line shows, in words, for those who do not see it. */
  readonly label: string
}

const WIDTH = 160
const HEIGHT = 36
const SLOTS = 60

/** The last two minutes of a figure as a line, from nothing to the most there was. Gaps are where nothing was measured. */
export function Sparkline({ values, label }: Props) {
  const most = Math.max(...values.map((value) => value ?? 0), 1e-9)
  const step = WIDTH / (SLOTS - 1)
  const from = SLOTS - values.length
  const path = values
    .map((value, at) => {
      if (value === null) return ''
      const begins = at === 0 || values[at - 1] === null
      const x = ((from + at) * step).toFixed(1)
      const y = (HEIGHT - 2 - (value / most) * (HEIGHT - 4)).toFixed(1)
      return `${begins ? 'M' : 'L'}${x} ${y}`
    })
    .join('')
  return (
    <svg
      className="spark"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <path d={`M0 ${HEIGHT - 1}H${WIDTH}`} className="spark-ground" />
      <path d={path} className="spark-line" vectorEffect="non-scaling-stroke" />
    </svg>
  )
}
