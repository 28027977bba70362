import { keep, kept, local } from '../lib/keep.ts'

/** What is being written, one draft for each user and conversation, through reloads and visits. */
const PREFIX = 'gator.draft'

function keyOf(user: string, conversationId: string): string {
  return `${PREFIX} ${encodeURIComponent(user)} ${encodeURIComponent(conversationId)}`
}

export function readDraft(user: string, conversationId: string): string {
  return kept(local, keyOf(user, conversationId)) ?? ''
}

/** Keep a draft; one of nothing but white space is forgotten. */
export function writeDraft(user: string, conversationId: string, text: string): void {
  keep(local, keyOf(user, conversationId), text.trim() === '' ? null : text)
}
