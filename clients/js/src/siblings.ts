import type { MessageItem } from './snapshots.js'

/**
 * The attempts at the same reply, oldest first, the given one among them; only that one if there is no
 * other, and none if there is no such message.
 */
export function siblingsOf(
  snapshot: { readonly messages: readonly MessageItem[] },
  messageId: string,
): readonly MessageItem[] {
  const message = snapshot.messages.find((other) => other.id === messageId)
  const answers = message?.reply?.answers ?? null
  return snapshot.messages
    .filter(
      (other) =>
        other === message || (other.reply?.answers === answers && other.sender_id === message?.sender_id),
    )
    .sort((one, other) => (one.reply?.attempt ?? 1) - (other.reply?.attempt ?? 1))
}
