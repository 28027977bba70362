import type { Person } from '../people/directory.ts'

/** A name that is being written after an `@`: where it begins, where the caret stands, what is there of it. */
export interface Mention {
  readonly start: number
  readonly end: number
  readonly query: string
}

/** Somebody whose name can be written for one. */
export interface Mentionable extends Person {
  /** Whether they are in the conversation: a persona that is answers to its name alone. */
  readonly member: boolean
}

const MAX_QUERY = 64
const MAX_OFFERED = 6

/** As the server looks for names: an `@` within a word, such as an address of mail has, begins none. */
const SIGN = /(?<![\p{L}\p{N}_])@/gu

/** Find the name that is being written where the caret stands. A name may have several words, and no line end. */
export function mentionAt(text: string, caret: number): Mention | null {
  const line = text.lastIndexOf('\n', caret - 1) + 1
  const before = text.slice(line, caret)
  const sign = [...before.matchAll(SIGN)].at(-1)?.index
  if (sign === undefined) return null
  const query = before.slice(sign + 1)
  // After a space a name may be over: Enter is to send then, and not to take a longer one.
  if (query.length > MAX_QUERY || query.trim() !== query) return null
  return { start: line + sign, end: caret, query }
}

/** Choose whom to offer: those with the beginning of their name or of one of its words, members before others. */
export function offersOf(query: string, candidates: readonly Mentionable[]): readonly Mentionable[] {
  const wanted = query.toLocaleLowerCase()
  const begins = ({ name }: Mentionable) => name.toLocaleLowerCase().startsWith(wanted)
  return candidates
    .filter(({ name }) => ` ${name.toLocaleLowerCase()}`.includes(` ${wanted}`))
    .sort(
      (a, b) =>
        Number(begins(b)) - Number(begins(a)) ||
        Number(b.member) - Number(a.member) ||
        a.name.localeCompare(b.name),
    )
    .slice(0, MAX_OFFERED)
}

/** Write a name out, with a space after it, and tell where the caret goes. */
export function withMention(
  text: string,
  { start, end }: Mention,
  name: string,
): [text: string, caret: number] {
  const after = text.slice(end)
  const written = `${text.slice(0, start)}@${name}`
  return [written + (after.startsWith(' ') ? after : ` ${after}`), written.length + 1]
}
