/** Icons are drawn on a grid of 24 with a line of 1.75; they say nothing by themselves, the control does. */
const PATHS = {
  back: 'M15 5l-7 7 7 7',
  check: 'M5 12.500l4.500 4.500L19 7.500',
  close: 'M6 6l12 12M18 6L6 18',
  clock: 'M12 7v5l3 2M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17Z',
  copy: 'M9 9h10v11H9zM15 9V4H5v11h4',
  down: 'M12 5v14M6 13l6 6 6-6',
  download: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  edit: 'M5 19l1-4L16.500 4.500l3 3L9 18l-4 1ZM14 7l3 3',
  gauge: 'M4 17a8.500 8.500 0 1 1 16 0M12 15l3.500-5',
  globe:
    'M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17ZM3.500 12h17M12 3.500c2.600 2.400 3.800 5.200 3.800 8.500s-1.200 6.100-3.800 8.500c-2.600-2.400-3.800-5.200-3.800-8.500s1.200-6.100 3.800-8.500Z',
  keyboard: 'M3.500 7h17v10h-17zM7 10.500h.01M10.300 10.500h.01M13.700 10.500h.01M17 10.500h.01M8 14h8',
  left: 'M14 7l-5 5 5 5',
  leave: 'M10 5H5v14h5M14 8l4 4-4 4M18 12H9.500',
  link: 'M10 14l4-4M8.500 11.500l-2 2a3 3 0 0 0 4.200 4.200l2-2M15.500 12.500l2-2a3 3 0 0 0-4.200-4.200l-2 2',
  memory: 'M7 4h10v16l-5-3.500L7 20z',
  monitor: 'M4 5h16v11H4zM9 20h6M12 16v4',
  moon: 'M19.500 14.500A8 8 0 0 1 9.500 4.500a8 8 0 1 0 10 10Z',
  more: 'M5.500 12h.01M12 12h.01M18.500 12h.01',
  offline:
    'M4 4l16 16M8.500 15.500a5 5 0 0 1 5.500-1M5 12a10 10 0 0 1 4-2.300M2.500 8.500A15 15 0 0 1 6 6.200M12.500 6a15 15 0 0 1 9 2.500M15 10a10 10 0 0 1 4 2M12 19h.01',
  people:
    'M9 11a3.300 3.300 0 1 0 0-6.600A3.300 3.300 0 0 0 9 11ZM3 19.500c.4-3.600 2.600-5.500 6-5.500s5.600 1.900 6 5.500M16 11.300a2.800 2.800 0 1 0-.8-5.400M17.500 14.300c2.100.5 3.300 2.200 3.500 5',
  persona:
    'M2.500 12c2.300-4.300 5.400-6.500 9.500-6.500s7.200 2.200 9.500 6.500c-2.300 4.300-5.400 6.500-9.500 6.500S4.800 16.300 2.500 12ZM12 8.500v7',
  pin: 'M9 4h6l-1 6 3 3.500H7L10 10zM12 13.500V20',
  plus: 'M12 5v14M5 12h14',
  refresh: 'M19 8a7.500 7.500 0 1 0 .8 6.500M19.500 4v4.500H15',
  right: 'M10 7l5 5-5 5',
  search: 'M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13ZM15.500 15.500L20 20',
  send: 'M12 19V5M6 11l6-6 6 6',
  smile:
    'M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17ZM8.500 14.200c.8 1.300 2 2 3.500 2s2.700-.7 3.500-2M9 9.500v.6M15 9.500v.6',
  stop: 'M7 7h10v10H7zM9 10h6M9 13h6M9 12h6M9 14.500h6',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2.500v2M12 19.500v2M2.500 12h2M19.500 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400',
  trash: 'M5 7h14M10 7V4.500h4V7M7 7l1 13h8l1-13M10.500 11v5M13.500 11v5',
  upload: 'M12 20V9M7 13l5-5 5 5M5 4h14',
  warning: 'M12 4l9 16H3zM12 10v4.500M12 17.300v.01',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name, size = 20 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg
      className="icon"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === 'more' ? 2.75 : 1.75}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  )
}
