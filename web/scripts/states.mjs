/* Each state of the page, and how one gets there: `show` leads a fresh browser into it. */

const message = (page) => page.getByRole('textbox', { name: 'Message', exact: true })
const log = (page) => page.getByRole('log')

async function open(page, world, path, as = 'ada') {
  await page.goto(`${world.url}${path}${as ? `?as=${as}` : ''}`)
}

async function conversation(page, world, id, text) {
  await open(page, world, `/c/${encodeURIComponent(id)}`)
  await log(page).getByText(text).last().waitFor()
}

async function option(page, name) {
  await page.getByRole('button', { name: 'Options of the conversation' }).click()
  await page.getByRole('menuitem', { name }).click()
}

/** A conversation of its own for a reply that never ends, so that each picture finds it alike. */
async function greenhouse(world, question) {
  const { id } = await world.ada.create('group', ['bob', world.nia.id], 'Greenhouse')
  await world.ada.say(id, `@Nia ${question}`)
  world.fresh = id
  return id
}

async function clean(world) {
  if (world.fresh) await world.ada.ask('DELETE', `/conversations/${world.fresh}`)
  world.fresh = null
}

/** Ask Nia once; in later pictures the answer is there already. */
async function asked(world, question, said) {
  const { messages } = await world.ada.ask('GET', `/conversations/${world.withNia.id}/messages`)
  if (messages.some(({ content }) => content === question)) return
  await world.ada.say(world.withNia.id, question)
  for (let attempt = 0; attempt < 100; attempt++) {
    const page = await world.ada.ask('GET', `/conversations/${world.withNia.id}/messages`)
    if (page.messages.some(({ content }) => said.test(content))) return
    await new Promise((resume) => setTimeout(resume, 50))
  }
  throw new Error(`no answer to ${question}`)
}

export const SCENES = [
  {
    name: 'enter',
    async show(page, world) {
      await open(page, world, '/', null)
      await page.getByRole('heading', { name: 'Come on in' }).waitFor()
    },
  },
  {
    name: 'home',
    async show(page, world) {
      await open(page, world, '/')
      await page.getByText('The plan for Saturday').or(page.getByText('the mint')).first().waitFor()
    },
  },
  { name: 'chat', show: (page, world) => conversation(page, world, world.tea.id, 'Perfect') },
  {
    name: 'persona',
    async show(page, world) {
      await asked(world, 'How do I begin a compost heap?', /wrung-out/)
      await asked(world, 'When will it be ready to harvest? In Python, please.', /timedelta/)
      await conversation(page, world, world.withNia.id, 'leap years')
      await page.locator('.hljs-keyword').first().waitFor()
    },
  },
  {
    name: 'streaming',
    async show(page, world) {
      await open(page, world, '/')
      const id = await greenhouse(world, 'tell me slowly about beans')
      await conversation(page, world, id, 'knows what to do')
    },
    after: clean,
  },
  {
    name: 'thinking',
    async show(page, world) {
      const id = await greenhouse(world, 'think about roses')
      await world.bob.say(id, '@Nia and then about mint?')
      await conversation(page, world, id, 'Thinking')
      await log(page).getByText('one reply comes first').waitFor()
    },
    after: clean,
  },
  {
    name: 'broken',
    async show(page, world) {
      const { id } = await world.ada.create('group', ['bob', world.nia.id], 'Greenhouse')
      world.fresh = id
      await open(page, world, `/c/${id}`)
      await message(page).fill('@Nia break off while you speak of roses')
      await message(page).press('Enter')
      await log(page).getByText('Broken off').waitFor()
      await message(page).fill('@Nia refuse this one')
      await message(page).press('Enter')
      await log(page).getByText('could not answer').waitFor()
    },
    after: clean,
  },
  {
    name: 'attempts',
    async show(page, world) {
      const { id } = await world.ada.create('group', ['bob', world.nia.id], 'Greenhouse')
      world.fresh = id
      await open(page, world, `/c/${id}`)
      await message(page).fill('@Nia where does mint want to stand?')
      await message(page).press('Enter')
      for (const pager of ['2 / 2', '3 / 3']) {
        await page.getByRole('button', { name: 'Answer again' }).last().click()
        await page.getByText(pager).waitFor()
      }
      await page.getByRole('button', { name: 'Previous attempt' }).click()
      await page.getByText('2 / 3').waitFor()
    },
    after: clean,
  },
  {
    name: 'new-messages',
    async show(page, world) {
      const { id } = await world.bob.create('group', ['ada', 'cleo'], 'Greenhouse')
      world.fresh = id
      for (let number = 1; number <= 30; number++) await world.bob.say(id, `Row ${number} is weeded.`)
      await world.ada.ask('PUT', `/conversations/${id}/read`, { seq: 24 })
      await conversation(page, world, id, 'New messages')
      const jump = page.getByRole('button', { name: 'To the newest' })
      while (!(await jump.isVisible())) await log(page).evaluate((element) => element.scrollBy(0, -120))
      await world.cleo.say(id, 'And the water is on again.')
      await page.getByRole('button', { name: /new message/ }).waitFor()
    },
    async after(world) {
      await world.bob.ask('DELETE', `/conversations/${world.fresh}`)
      world.fresh = null
    },
  },
  {
    name: 'refused',
    async show(page, world) {
      await page.routeWebSocket(/\/ws\//, (socket) => {
        const server = socket.connectToServer()
        socket.onMessage((frame) => {
          const command = JSON.parse(String(frame))
          if (command.type !== 'send_message') return server.send(frame)
          if (!/museum/.test(command.content)) return
          const { id, client_message_id } = command
          socket.send(
            JSON.stringify({
              type: 'error',
              code: 'forbidden',
              message: 'Your role does not allow that.',
              reply_to: id,
              client_message_id,
              timestamp: new Date().toISOString(),
            }),
          )
        })
      })
      await conversation(page, world, world.tea.id, 'Perfect')
      await message(page).fill('Back to the museum with them.')
      await message(page).press('Enter')
      await page.getByRole('button', { name: 'Discard' }).waitFor()
      await message(page).fill('This one waits.')
      await message(page).press('Enter')
      await log(page).getByText('This one waits.').waitFor()
    },
  },
  {
    name: 'offline',
    mayFail: /WebSocket|ERR_/,
    async show(page, world) {
      let cut = false
      const open = new Set()
      await page.routeWebSocket(/\/ws\//, (socket) => {
        if (cut) return socket.close({ code: 1013 })
        open.add(socket)
        socket.connectToServer()
      })
      await conversation(page, world, world.tea.id, 'Perfect')
      cut = true
      for (const socket of open) await socket.close({ code: 1013 })
      await page.getByText('You are offline.').waitFor()
      await message(page).fill('Written in the tunnel.')
      await message(page).press('Enter')
      await page.getByText('One message waits').waitFor()
    },
  },
  {
    name: 'typing',
    async show(page, world) {
      await conversation(page, world, world.garden.id, 'third pot')
      world.bobsPage = await page.context().browser().newPage()
      await open(world.bobsPage, world, `/c/${world.garden.id}`, 'bob')
      await message(world.bobsPage).pressSequentially('Is the kettle', { delay: 20 })
      await page.getByText('bob is typing').waitFor()
      await message(page).fill('Found it, thank you!\nAnd the watering can is on the\nsecond shelf.')
    },
    after: (world) => world.bobsPage?.close(),
  },
  {
    name: 'emoji',
    async show(page, world) {
      await conversation(page, world, world.tea.id, 'Perfect')
      await page.getByRole('button', { name: 'Emoji', exact: true }).click()
      await page.getByRole('gridcell').first().waitFor()
    },
  },
  {
    name: 'mention',
    async show(page, world) {
      await conversation(page, world, world.tea.id, 'Perfect')
      await page.getByRole('textbox', { name: 'Message' }).pressSequentially('@')
      await page.getByRole('option').first().waitFor()
    },
  },
  {
    name: 'new',
    async show(page, world) {
      await open(page, world, '/')
      await page.getByRole('button', { name: 'New conversation' }).first().click()
      await page.getByLabel('Title').fill('Seed swap')
      await page.getByLabel('Who', { exact: true }).fill('bob, cleo,')
    },
  },
  {
    name: 'people',
    async show(page, world) {
      await conversation(page, world, world.tea.id, 'Perfect')
      await page.getByRole('button', { name: 'People' }).click()
      await page.getByRole('dialog').getByText('Owner').waitFor()
      await page.getByRole('button', { name: 'Change bob' }).click()
    },
  },
  {
    name: 'rename',
    async show(page, world) {
      await conversation(page, world, world.tea.id, 'Perfect')
      await option(page, 'Rename')
    },
  },
  {
    name: 'delete',
    async show(page, world) {
      await conversation(page, world, world.tea.id, 'Perfect')
      await option(page, 'Delete')
    },
  },
  {
    name: 'memory',
    async show(page, world) {
      await asked(world, 'When will it be ready to harvest? In Python, please.', /timedelta/)
      await world.ada.ask('PUT', `/conversations/${world.withNia.id}/memory`, {
        summary: 'ada is starting a garden on a north-facing plot and is not fond of mint.',
        pins: ['The shed key is under the third pot.'],
      })
      await conversation(page, world, world.withNia.id, 'leap years')
      await option(page, 'Memory')
      await page.getByLabel('Summary').waitFor()
    },
  },
  {
    name: 'note',
    async show(page, world) {
      await conversation(page, world, world.tea.id, 'Perfect')
      await option(page, 'Memory')
      await page.getByLabel('Summary').fill('The tea club meets on Saturdays.')
      await page.getByRole('button', { name: 'Save' }).click()
      await page.locator('.note').getByText('Saved.').waitFor()
    },
  },
  {
    name: 'switcher',
    async show(page, world) {
      await conversation(page, world, world.tea.id, 'Perfect')
      await page.keyboard.press('Control+k')
      await page.getByRole('combobox').fill('a')
      await page.getByRole('option').first().waitFor()
    },
  },
  {
    name: 'shortcuts',
    async show(page, world) {
      await open(page, world, '/')
      await page.getByRole('button', { name: 'Settings' }).waitFor()
      await page.keyboard.press('?')
      await page.getByRole('dialog').waitFor()
    },
  },
  {
    name: 'settings',
    async show(page, world) {
      await open(page, world, '/')
      await page.getByRole('button', { name: 'Settings' }).click()
      await page.getByRole('menuitem', { name: 'Sign out' }).waitFor()
    },
  },
  {
    name: 'personas',
    async show(page, world) {
      await open(page, world, '/personas')
      await page.getByRole('heading', { name: 'Captain Mott' }).waitFor()
      await page.locator('.card img').first().waitFor()
    },
  },
  {
    name: 'editor',
    async show(page, world) {
      await open(page, world, `/personas/${world.nia.id}`)
      await page.getByLabel('Name', { exact: true }).first().waitFor()
      await page.locator('.avatar-field img').waitFor()
    },
  },
  {
    name: 'lore',
    async show(page, world) {
      await open(page, world, `/personas/${world.nia.id}`)
      await page.getByText('The heap').click()
      await page.getByRole('heading', { name: 'What it knows' }).scrollIntoViewIfNeeded()
    },
  },
  {
    name: 'admin',
    async show(page, world) {
      await open(page, world, '/admin')
      await page.getByText('Busiest conversations').waitFor()
      for (let number = 0; number < 8; number++) {
        await world.bob.say(world.garden.id, `Watered bed ${number}.`)
        await page.waitForTimeout(600)
      }
      await page.getByRole('rowheader', { name: 'Allotment 14' }).waitFor()
    },
  },
  {
    // Two minutes of a busy server; for the documents alone.
    name: 'status',
    long: true,
    async show(page, world) {
      world.bobsPage = await page.context().browser().newPage()
      await open(world.bobsPage, world, `/c/${world.garden.id}`, 'bob')
      await open(page, world, '/admin')
      const until = Date.now() + 100_000
      for (let number = 1; Date.now() < until; number++) {
        const [one, other] = number % 3 === 0 ? [world.bob, world.tea] : [world.cleo, world.garden]
        await one.say(other.id, `Bed ${number} is watered.`)
        await page.waitForTimeout(60 + 240 * Math.abs(Math.sin(number / 40)))
      }
      await page.getByRole('rowheader', { name: 'Allotment 14' }).waitFor()
    },
    after: (world) => world.bobsPage?.close(),
  },
  {
    name: 'gone',
    async show(page, world) {
      await open(page, world, `/c/${world.direct.id}`, 'cleo')
      await page.getByText('There is no such conversation').waitFor()
    },
  },
  {
    name: 'empty',
    async show(page, world) {
      await open(page, world, '/', 'dora')
      await page.getByText('No conversations yet').waitFor()
    },
  },
  {
    name: 'german',
    locale: 'de-DE',
    async show(page, world) {
      await conversation(page, world, world.tea.id, 'Perfect')
    },
  },
]

const DESK = { width: 1200, height: 760 }
const PHONE = { width: 390, height: 780 }

/** The pictures of the documents. */
export const DOCS = [
  { scene: 'chat', view: DESK, theme: 'light', file: 'chat' },
  { scene: 'persona', view: DESK, theme: 'dark', file: 'persona' },
  { scene: 'chat', view: PHONE, theme: 'light', file: 'phone-chat' },
  { scene: 'streaming', view: PHONE, theme: 'dark', file: 'phone-reply' },
  { scene: 'personas', view: DESK, theme: 'light', file: 'personas' },
  { scene: 'status', view: DESK, theme: 'dark', file: 'status' },
]
