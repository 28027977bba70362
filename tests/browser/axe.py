"""What axe-core, the accessibility checker, finds on a page (WCAG 2.2, A and AA, and its best practices)."""

from pathlib import Path
from typing import Any, Final

from playwright.async_api import Page

AXE: Final = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

CHECK: Final = """async (tags) => {
  const { violations } = await axe.run(document, { runOnly: { type: 'tag', values: tags } })
  const where = ({ target, any }) => `${target.join(' ')} (${any.map(one => one.message)})`
  return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(where).join(', ')}`)
}"""


async def findings(page: Page) -> list[str]:
    """List the rules that the page breaks, each with where it does."""
    if not await page.evaluate("typeof axe === 'object'"):
        await page.evaluate(AXE.read_text(encoding="utf-8"))
    found: Any = await page.evaluate(CHECK, TAGS)
    return list(found)
