import type { ReactNode } from 'react'
import './empty.css'
import { Icon, type IconName } from './Icon.tsx'

interface Props {
  readonly icon: IconName
  readonly title: string
  readonly text?: string
  readonly children?: ReactNode
  /** Whether it is all that the screen has to say, and so its heading. */
  readonly whole?: boolean
}

/** Says that there is nothing here, why, and what one can do. */
export function Empty({ icon, title, text, children, whole }: Props) {
  const Heading = whole ? 'h1' : 'h2'
  return (
    <div className="empty">
      <span className="empty-icon">
        <Icon name={icon} size={28} />
      </span>
      <Heading>{title}</Heading>
      {text && <p>{text}</p>}
      {children}
    </div>
  )
}
