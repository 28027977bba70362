const SAFE_PROTOCOLS = new Set(['http:', 'https:', 'mailto:'])

/**
 * Where a link of a message leads; null if it must not lead anywhere. Only absolute addresses of the web and of
 * mail count: `javascript:` and `data:` would run in this page, and a relative one would pretend to be part of it.
 */
export function safeLink(href: string): URL | null {
  // What a browser drops from an address (tabs, line ends) is refused, so that nothing hides in it.
  if (/[\p{Cc}\p{Cf}]/u.test(href)) return null
  const url = URL.parse(href)
  return url !== null && SAFE_PROTOCOLS.has(url.protocol) ? url : null
}

/** The host to name beside a link whose own text claims to be another address; null if it claims nothing false. */
export function unexpectedHost(label: string, url: URL): string | null {
  const claimed = /^\s*(?:https?:\/\/)?((?:[\w-]+\.)+[a-z]{2,})(?:[/?#:]|\s*$)/i.exec(label)?.[1]
  if (claimed === undefined || url.protocol === 'mailto:') return null
  return bare(claimed) === bare(url.hostname) ? null : url.hostname
}

function bare(host: string): string {
  return host.toLowerCase().replace(/^www\./, '')
}
