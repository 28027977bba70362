import type { AnchorHTMLAttributes, MouseEvent } from 'react'
import { navigate, pathOf, type Route } from './routes.ts'

interface Props extends Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'> {
  readonly to: Route
}

/** A link within the page. With a modifier key it opens as any link does. */
export function Link({ to, onClick, ...rest }: Props) {
  function follow(event: MouseEvent<HTMLAnchorElement>) {
    onClick?.(event)
    if (event.defaultPrevented || event.button !== 0) return
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    navigate(to)
  }
  return <a href={pathOf(to) + window.location.search} onClick={follow} {...rest} />
}
