/*
 * Takes pictures of every state of the built page against a real server, and has axe look at each.
 *
 *   npm run screenshots                     all scenes at three widths, light and dark, into shots/
 *   npm run screenshots -- chat admin       some scenes
 *   npm run screenshots -- 390 dark         one width, one theme
 *   npm run screenshots -- --docs           the pictures of docs/images
 */
import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { BROWSER, startServer } from './house.mjs'
import { startModel } from './model.mjs'
import { answer, furnish } from './scenes.mjs'
import { DOCS, SCENES } from './states.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const VIEWS = [
  { name: '390', width: 390, height: 844 },
  { name: '768', width: 768, height: 1024 },
  { name: '1440', width: 1440, height: 900 },
]
const THEMES = ['light', 'dark']

const given = process.argv.slice(2)
const forDocs = given.includes('--docs')
const wanted = given.filter((each) => !each.startsWith('-'))
const out = forDocs ? join(here, '../../docs/images') : join(here, '../shots')

const model = await startModel(answer)
const server = await startServer({
  GATOR_REPLY_PROVIDER: 'openai-compatible',
  GATOR_OPENAI_BASE_URL: model.url,
  GATOR_OPENAI_MODEL: 'scripted-1',
  GATOR_BUDGETS: 'user/day/messages=400',
})
const browser = await chromium.launch(BROWSER)
let findings = 0

function found(finding) {
  findings++
  console.log(finding)
}

try {
  await mkdir(out, { recursive: true })
  const world = { url: server.url, ...(await furnish(server.url, await drawPicture())) }
  for (const { view, theme, scenes } of plan()) {
    for (const scene of scenes) await shoot(scene, view, theme, world)
  }
} finally {
  await browser.close()
  model.close()
  await server.close()
}

console.log(findings === 0 ? 'axe and the console: nothing.' : `${findings} findings`)
process.exitCode = findings === 0 ? 0 : 1

function plan() {
  if (forDocs) {
    const some = DOCS.filter(({ file }) => wanted.length === 0 || wanted.includes(file))
    return some.map(({ scene, view, theme, file }) => ({
      view: { name: file, ...view },
      theme,
      scenes: [{ ...SCENES.find((each) => each.name === scene), file }],
    }))
  }
  const chosen = (all, name = (each) => each) => {
    const some = all.filter((each) => wanted.includes(name(each)))
    return some.length > 0 ? some : all
  }
  const scenes = chosen(SCENES, ({ name }) => name).filter(({ name, long }) => !long || wanted.includes(name))
  return chosen(VIEWS, ({ name }) => name).flatMap((view) =>
    chosen(THEMES).map((theme) => ({ view, theme, scenes })),
  )
}

async function shoot(scene, view, theme, world) {
  const name = scene.file ?? `${scene.name}-${view.name}-${theme}`
  const context = await browser.newContext({
    viewport: { width: view.width, height: view.height },
    deviceScaleFactor: forDocs ? 2 : 1,
    colorScheme: theme,
    locale: scene.locale ?? 'en-GB',
    hasTouch: view.width < 500,
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  page.setDefaultTimeout(8_000)
  page.on('console', (message) => {
    const text = message.text()
    if (message.type() === 'error' && !scene.mayFail?.test(text)) found(`${name}: console: ${text}`)
  })
  page.on('pageerror', (error) => found(`${name}: ${error.message}`))
  try {
    await scene.show(page, world, { phone: view.width < 720 })
    await page.screenshot({ path: join(out, `${name}.png`) })
    if (!forDocs) await look(page, name)
  } catch (error) {
    found(`${name}: ${error.message}`)
    await page.screenshot({ path: join(out, `${name}-failed.png`) })
  } finally {
    await scene.after?.(world)
    await context.close()
  }
}

async function look(page, name) {
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() =>
    window.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    }),
  )
  for (const { id, help, nodes } of violations) {
    found(
      `${name}: axe ${id}: ${help}\n    ${nodes
        .slice(0, 3)
        .map((node) => node.html.slice(0, 160) + ' | ' + (node.any[0]?.message ?? ''))
        .join('\n    ')}`,
    )
  }
}

/** A picture for a persona, drawn by the browser. */
async function drawPicture() {
  const page = await browser.newPage({ viewport: { width: 256, height: 256 } })
  await page.setContent(`<body style="margin:0"><svg width="256" height="256" viewBox="0 0 64 64">
    <rect width="64" height="64" fill="#f2c14e"/><circle cx="46" cy="16" r="8" fill="#fff3cf"/>
    <path d="M0 46c12-8 22-8 32-2s20 6 32-2v22H0Z" fill="#2f7d52"/><path d="M0 54c14-6 26-5 36-1s18 4 28 0v11H0Z" fill="#1d5c3a"/>
    <path d="M30 46V26M30 34c-8 0-12-4-12-11 8 0 12 4 12 11ZM30 38c8 0 13-4 13-12-8 0-13 4-13 12Z" stroke="#123021" stroke-width="2.500" fill="#58a05c" stroke-linejoin="round"/>
  </svg></body>`)
  const picture = await page.screenshot()
  await page.close()
  return picture
}
