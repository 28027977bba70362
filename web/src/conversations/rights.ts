import type { ConversationSnapshot, Role } from '@gator/chat'

/* What a role may do, as the server decides it; the page offers nothing that would be refused. */

const RANK: Readonly<Record<Role, number>> = { reader: 0, member: 1, admin: 2, owner: 3 }

type Asked = Pick<ConversationSnapshot, 'kind' | 'role'>

function atLeast({ role }: Asked, wanted: Role): boolean {
  return role !== null && RANK[role] >= RANK[wanted]
}

export function mayAdd(asked: Asked): boolean {
  if (asked.kind === 'group') return atLeast(asked, 'member')
  return asked.kind === 'channel' && atLeast(asked, 'admin')
}

export function mayRename(asked: Asked): boolean {
  return asked.kind !== 'direct' && atLeast(asked, 'admin')
}

export function mayDelete(asked: Asked): boolean {
  return asked.kind !== 'direct' && atLeast(asked, 'owner')
}

/** Whether one may remove somebody of a role, or change what they may do. */
export function mayChange(asked: Asked, other: Role): boolean {
  if (asked.kind === 'direct' || asked.role === null) return false
  return asked.role === 'owner' || (asked.role === 'admin' && RANK[other] < RANK.admin)
}

/** The roles that one may give. */
export function grantable({ role }: Asked): readonly Role[] {
  if (role === 'owner') return ['reader', 'member', 'admin', 'owner']
  return role === 'admin' ? ['reader', 'member'] : []
}
