import { user } from './house.mjs'

/* What is seen in the pictures: a small world, and the ways into each state of the page. */

const COMPOST = `Good question. Three things make a heap **warm**:

1. *Green* and *brown* in turns: one bucket of kitchen scraps, two of leaves.
2. Air. Turn it with a fork once a week.
3. Water, as much as a wrung-out sponge holds.

| Layer | Centimetres |
| --- | --- |
| Twigs | 10 |
| Leaves | 15 |
| Scraps | 5 |

> A heap that smells has too little brown in it.`

const CODE = `Count the days, and let the calendar do the rest:

\`\`\`python
from datetime import date, timedelta

def harvest(sown: date, days: int = 90) -> date:
    """Say when what was sown is ripe."""
    return sown + timedelta(days=days)

print(harvest(date(2026, 4, 12)))  # 2026-07-11
\`\`\`

\`timedelta\` knows leap years, so you need not.`

/** What the model says, by what it is asked. */
export function answer(question) {
  if (/compost|heap/i.test(question)) return { text: COMPOST }
  if (/harvest|python/i.test(question)) return { text: CODE }
  if (/slowly/i.test(question))
    return { text: 'Rain first, then patience. The bean knows what to do, and', pause: 15, hold: true }
  if (/think/i.test(question)) return { text: '', hold: true }
  if (/break/i.test(question))
    return { text: 'Roses want their first cut when the forsythia', pause: 20, breakOff: true }
  if (/refuse/i.test(question)) return { text: '', status: 400 }
  return { text: 'Morning sun and a little shade after noon; then it will grow by itself.' }
}

/** Fill an empty server. Gives the ids that the scenes need. */
export async function furnish(url, picture) {
  const [ada, bob, cleo] = ['ada', 'bob', 'cleo'].map((name) => user(url, name))
  const persona = (owner, body) => owner.ask('POST', '/personas', body)
  const nia = await persona(ada, {
    name: 'Nia',
    description: 'A calm gardener who has seen forty springs. Speaks plainly, and likes lists.',
    personality: 'Patient, dry, kind to beginners.',
    greeting: 'Mind the step, it is wet. What are we growing?',
    tags: ['garden', 'calm', 'how-to'],
    visibility: 'public',
    lore: {
      entries: [
        { keys: ['compost', 'heap'], content: 'Nia turns her heap on Sundays.', name: 'The heap' },
        {
          keys: ['plum'],
          content: 'The old plum tree bears every second year.',
          name: 'The plum tree',
          enabled: false,
        },
      ],
    },
  })
  await ada.ask('PUT', `/personas/${nia.id}/avatar`, picture, 'image/png')
  const rows = [
    [
      bob,
      {
        name: 'Quill',
        description: 'Reads what you wrote and tells you what you meant. Ruthless with adverbs.',
        tags: ['writing'],
        visibility: 'public',
      },
    ],
    [
      bob,
      {
        name: 'Captain Mott',
        description: 'Keeper of a lighthouse at the end of a map. Tells the weather, and stories about it.',
        tags: ['story', 'sea'],
        visibility: 'public',
      },
    ],
    [
      ada,
      {
        name: 'Pip',
        description: 'Explains one thing a day, as if to a clever child.',
        tags: ['learning'],
        visibility: 'private',
      },
    ],
    [
      cleo,
      {
        name: 'Deadline',
        description: 'Asks what is left to do, and when. Never angry, only disappointed.',
        tags: ['work'],
        visibility: 'public',
      },
    ],
  ]
  for (const [owner, body] of rows) await persona(owner, body)

  const news = await cleo.create('channel', ['ada', 'bob'], 'Announcements')
  await cleo.say(news.id, 'The hall is ours on **Saturday from ten**. Bring a cup.')
  const garden = await bob.create('group', ['ada', 'cleo'], 'Allotment 14')
  await bob.say(garden.id, 'Who has the key to the shed?')
  await cleo.say(garden.id, 'Under the third pot. The *green* one.')
  const direct = await bob.create('direct', ['ada'])
  await bob.say(direct.id, 'Did you see the heron this morning?')
  const tea = await ada.create('group', ['bob', 'cleo', nia.id], 'Tea club')
  await ada.say(tea.id, 'The kettle is on.')
  await bob.say(tea.id, 'On my way. Do we have lemons?')
  await bob.say(tea.id, 'And the good cups, not the *museum*.')
  await cleo.say(
    tea.id,
    'Two lemons, one of them brave. The plan for Saturday: https://example.org/tea/saturday',
  )
  await ada.say(tea.id, 'Perfect 🍋')
  await ada.say(
    tea.id,
    'I will ask our gardener about the mint as well, because last time it took over the whole bed and we had to make tea from it for three weeks.',
  )
  await cleo.say(tea.id, '![the mint](https://example.org/pictures/mint.jpg)')
  const withNia = await ada.ask('POST', `/personas/${nia.id}/conversations`)
  return { ada, bob, cleo, nia, tea, direct, garden, news, withNia }
}
