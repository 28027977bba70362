/** The mark: an eye above the water. */
export function Mark({ size = 32 }: { readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" className="mark">
      <rect className="mark-ground" width="32" height="32" rx="9" />
      <path
        className="mark-eye"
        d="M5 19c2-6.200 6-9.500 11-9.500S25 12.800 27 19c-3.600 2.500-7.200 3.700-11 3.700S8.600 21.500 5 19Z"
      />
      <ellipse className="mark-pupil" cx="16" cy="16.200" rx="1.900" ry="6" />
      <path
        className="mark-water"
        d="M3 25.500c2.200-1.300 4.300-1.300 6.500 0s4.300 1.300 6.500 0 4.300-1.300 6.500 0 4.300 1.300 6.500 0"
      />
    </svg>
  )
}
