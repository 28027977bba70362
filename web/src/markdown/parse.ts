import { Marked, type Token } from 'marked'

// Line ends count, as people expect in a chat.
const marked = new Marked({ gfm: true, breaks: true })

/**
 * Read a message as Markdown. What cannot be read, such as thousands of quotes in one another, comes back as the
 * one paragraph of plain text that it also is.
 */
export function parse(content: string): readonly Token[] {
  try {
    return marked.lexer(content)
  } catch {
    return [plain(content)]
  }
}

function plain(content: string): Token {
  return {
    type: 'paragraph',
    raw: content,
    text: content,
    tokens: [{ type: 'text', raw: content, text: content, escaped: false }],
  }
}

/** Whether a message is nothing but a few emoji, which may then be large. */
export function isFewEmoji(content: string): boolean {
  return /^(?:\s*(?:\p{RGI_Emoji})\s*){1,3}$/v.test(content)
}
