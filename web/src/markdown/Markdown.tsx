import type { Token, Tokens } from 'marked'
import { Fragment, memo, type ReactNode } from 'react'
import { Icon } from '../design/Icon.tsx'
import { useTranslation } from '../i18n/useTranslation.ts'
import { CodeBlock } from './CodeBlock.tsx'
import { decodeEntities } from './entities.ts'
import { safeLink, unexpectedHost } from './links.ts'
import './markdown.css'
import { isFewEmoji, parse } from './parse.ts'

/** Deeper than this, quotes and lists are shown as they were written. */
const MAX_DEPTH = 12

/**
 * A message's text. Markdown becomes elements of React, one by one, and never HTML: a tag in a message is text
 * like any other, so that nothing in it can run, load or restyle anything.
 */
export const Markdown = memo(function Markdown({ content }: { readonly content: string }) {
  return (
    <div className={isFewEmoji(content) ? 'md md-emoji' : 'md'} dir="auto">
      <Blocks tokens={parse(content)} depth={0} />
    </div>
  )
})

interface ListProps {
  readonly tokens: readonly Token[]
  readonly depth: number
}

function Blocks({ tokens, depth }: ListProps) {
  return tokens.map((token, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a text grows at its end, so places stay
    <Block key={at} token={token} depth={depth} />
  ))
}

function Inlines({ tokens, depth }: ListProps) {
  return tokens.map((token, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a text grows at its end, so places stay
    <Fragment key={at}>{inline(token, depth)}</Fragment>
  ))
}

function Block({ token, depth }: { readonly token: Token; readonly depth: number }): ReactNode {
  if (depth > MAX_DEPTH) return <p>{token.raw}</p>
  const known = token as KnownToken
  switch (known.type) {
    case 'space':
    case 'def':
      return null
    case 'heading':
      return (
        // biome-ignore lint/a11y/useSemanticElements: below the headings of the page, whatever a message claims
        <p
          className={`md-heading md-heading-${known.depth}`}
          role="heading"
          aria-level={Math.min(known.depth + 3, 6)}
        >
          <Inlines tokens={known.tokens} depth={depth} />
        </p>
      )
    case 'code':
      return <CodeBlock code={known.text} language={known.lang} />
    case 'hr':
      return <hr />
    case 'blockquote':
      return (
        <blockquote dir="auto">
          <Blocks tokens={known.tokens} depth={depth + 1} />
        </blockquote>
      )
    case 'list':
      return <List list={known} depth={depth} />
    case 'table':
      return <Table table={known} depth={depth} />
    case 'paragraph':
      return (
        <p dir="auto">
          <Inlines tokens={known.tokens} depth={depth} />
        </p>
      )
    case 'text':
      return known.tokens ? <Inlines tokens={known.tokens} depth={depth} /> : decodeEntities(known.text)
    case 'html':
      return <p dir="auto">{known.raw.trimEnd()}</p>
    default:
      return <Fragment>{inline(token, depth)}</Fragment>
  }
}

function List({ list, depth }: { readonly list: Tokens.List; readonly depth: number }) {
  const items = list.items.map((item, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a text grows at its end, so places stay
    <li key={at} dir="auto" className={item.task ? 'md-task' : undefined}>
      <Blocks tokens={item.tokens} depth={depth + 1} />
    </li>
  ))
  return list.ordered ? <ol start={list.start === '' ? 1 : list.start}>{items}</ol> : <ul>{items}</ul>
}

function Table({ table, depth }: { readonly table: Tokens.Table; readonly depth: number }) {
  const { t } = useTranslation()
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
    <section className="md-table scroll" tabIndex={0} aria-label={t('messages.table')}>
      <table>
        <thead>
          <tr>
            {table.header.map((cell, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: columns have no identity beside their place
              <th key={at} scope="col" dir="auto">
                <Inlines tokens={cell.tokens} depth={depth + 1} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, line) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows have no identity beside their place
            <tr key={line}>
              {row.map((cell, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: columns have no identity beside their place
                <td key={at} dir="auto">
                  <Inlines tokens={cell.tokens} depth={depth + 1} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function inline(token: Token, depth: number): ReactNode {
  if (depth > MAX_DEPTH) return token.raw
  const known = token as KnownToken
  switch (known.type) {
    case 'text':
      return known.tokens ? <Inlines tokens={known.tokens} depth={depth + 1} /> : decodeEntities(known.text)
    case 'escape':
      return decodeEntities(known.text)
    case 'strong':
      return (
        <strong>
          <Inlines tokens={known.tokens} depth={depth + 1} />
        </strong>
      )
    case 'em':
      return (
        <em>
          <Inlines tokens={known.tokens} depth={depth + 1} />
        </em>
      )
    case 'del':
      return (
        <del>
          <Inlines tokens={known.tokens} depth={depth + 1} />
        </del>
      )
    case 'codespan':
      return <code>{known.text}</code>
    case 'br':
      return <br />
    case 'checkbox':
      return <Checkbox checked={known.checked} />
    case 'link':
      return <MessageLink link={known} depth={depth} />
    case 'image':
      return <ImageLink image={known} />
    default:
      return token.raw
  }
}

function Checkbox({ checked }: { readonly checked: boolean }) {
  const { t } = useTranslation()
  return (
    <span role="img" aria-label={t(checked ? 'messages.taskDone' : 'messages.taskOpen')}>
      {checked ? '☑ ' : '☐ '}
    </span>
  )
}

const LINK = { rel: 'noopener noreferrer nofollow', target: '_blank' } as const

function MessageLink({ link, depth }: { readonly link: Tokens.Link; readonly depth: number }) {
  const url = safeLink(decodeEntities(link.href))
  if (url === null) return link.raw
  const host = unexpectedHost(link.text, url)
  return (
    <>
      <a href={url.href} title={url.href} {...LINK}>
        <Inlines tokens={link.tokens} depth={depth + 1} />
      </a>
      {host && <span className="md-host"> ({host})</span>}
    </>
  )
}

/** Pictures of other hosts are never loaded: a link says where one is. */
function ImageLink({ image }: { readonly image: Tokens.Image }) {
  const { t } = useTranslation()
  const url = safeLink(decodeEntities(image.href))
  if (url === null || url.protocol === 'mailto:') return image.raw
  return (
    <a className="md-image" href={url.href} title={url.href} {...LINK}>
      <Icon name="link" size={16} />
      {t('messages.image', {
        what: decodeEntities(image.text) || url.pathname.split('/').pop(),
        host: url.host,
      })}
    </a>
  )
}

/** The tokens of marked, without its open-ended `Generic`, so that the cases above can be told apart. */
type KnownToken =
  | Tokens.Blockquote
  | Tokens.Br
  | Tokens.Checkbox
  | Tokens.Code
  | Tokens.Codespan
  | Tokens.Def
  | Tokens.Del
  | Tokens.Em
  | Tokens.Escape
  | Tokens.Heading
  | Tokens.Hr
  | Tokens.HTML
  | Tokens.Image
  | Tokens.Link
  | Tokens.List
  | Tokens.Paragraph
  | Tokens.Space
  | Tokens.Strong
  | Tokens.Table
  | Tokens.Text
