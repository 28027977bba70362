import type { ButtonHTMLAttributes } from 'react'
import { classes } from '../lib/classes.ts'
import './button.css'
import { Icon, type IconName } from './Icon.tsx'

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly kind?: 'primary' | 'plain' | 'quiet' | 'danger'
  readonly icon?: IconName
  readonly small?: boolean
}

export function Button({ kind = 'plain', icon, small, className, children, type, ...rest }: ButtonProps) {
  return (
    <button
      type={type ?? 'button'}
      className={classes('button', `button-${kind}`, small && 'button-small', className)}
      {...rest}
    >
      {icon && <Icon name={icon} size={small ? 16 : 18} />}
      {children}
    </button>
  )
}

interface IconButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'children'> {
  readonly icon: IconName
  /** What it does, for those who cannot see the icon and those who point at it. */
  readonly label: string
  readonly kind?: 'quiet' | 'primary'
  readonly small?: boolean
}

export function IconButton({
  icon,
  label,
  kind = 'quiet',
  small,
  className,
  type,
  ...rest
}: IconButtonProps) {
  return (
    <button
      type={type ?? 'button'}
      className={classes('icon-button', `icon-button-${kind}`, small && 'icon-button-small', className)}
      aria-label={label}
      title={label}
      {...rest}
    >
      <Icon name={icon} size={small ? 16 : 20} />
    </button>
  )
}
