import { classes } from '../lib/classes.ts'
import { hashOf } from '../lib/hash.ts'
import { initialsOf } from '../lib/names.ts'
import { usePicture } from './pictures.ts'
import './avatar.css'
import { Icon } from '../design/Icon.tsx'

const TINTS = 8

interface Props {
  readonly id: string
  readonly name: string
  readonly picture?: string | null | undefined
  readonly persona?: boolean
  readonly group?: boolean
  readonly online?: boolean
  readonly size?: 'xs' | 's' | 'm' | 'l' | 'xl'
}

/** A face: the picture if there is one, else initials in the colour of the id. Decoration: the name stands beside it. */
export function Avatar({ id, name, picture, persona, group, online, size = 'm' }: Props) {
  const source = usePicture(picture)
  return (
    <span
      className={classes(
        'avatar',
        `avatar-${size}`,
        persona ? 'avatar-persona' : `tint-${hashOf(id) % TINTS}`,
      )}
      aria-hidden="true"
    >
      <span className="avatar-face">
        {source ? (
          <img src={source} alt="" draggable={false} />
        ) : group ? (
          <Icon name="people" size={size === 'l' || size === 'xl' ? 26 : 20} />
        ) : (
          initialsOf(name)
        )}
      </span>
      {online && <span className="avatar-online" />}
    </span>
  )
}
