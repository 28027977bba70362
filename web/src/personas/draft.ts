import type { LoreEntryBody, NewPersona, PersonaOut } from '@gator/chat'

/** A persona as it is being written: every field is there, lists are lines, numbers are text until they are saved. */
export interface PersonaDraft {
  readonly name: string
  readonly description: string
  readonly personality: string
  readonly scenario: string
  readonly greeting: string
  readonly alternateGreetings: readonly Keyed<string>[]
  readonly exampleDialogue: string
  readonly systemPrompt: string
  readonly postHistory: string
  readonly creatorNotes: string
  readonly tags: string
  readonly provider: string
  readonly model: string
  readonly temperature: string
  readonly maxTokens: string
  readonly visibility: 'private' | 'public'
  readonly lore: LoreDraft
}

export interface LoreDraft {
  readonly entries: readonly Keyed<EntryDraft>[]
  readonly scanDepth: string
  readonly tokenBudget: string
  readonly recursive: boolean
  /** What other programs wrote; kept as it is. */
  readonly rest: Record<string, unknown>
}

export interface EntryDraft {
  readonly name: string
  readonly keys: string
  readonly secondaryKeys: string
  readonly content: string
  readonly enabled: boolean
  readonly constant: boolean
  readonly selective: boolean
  readonly caseSensitive: boolean
  readonly useRegex: boolean
  readonly insertionOrder: string
  readonly priority: string
  readonly extensions: Record<string, unknown>
}

/** Something in a list that is edited, with a key of its own that stays when others go. */
export interface Keyed<T> {
  readonly key: number
  readonly value: T
}

let lastKey = 0

export function keyed<T>(value: T): Keyed<T> {
  return { key: ++lastKey, value }
}

export const EMPTY_ENTRY: EntryDraft = {
  name: '',
  keys: '',
  secondaryKeys: '',
  content: '',
  enabled: true,
  constant: false,
  selective: false,
  caseSensitive: false,
  useRegex: false,
  insertionOrder: '100',
  priority: '10',
  extensions: {},
}

export const EMPTY_DRAFT: PersonaDraft = {
  name: '',
  description: '',
  personality: '',
  scenario: '',
  greeting: '',
  alternateGreetings: [],
  exampleDialogue: '',
  systemPrompt: '',
  postHistory: '',
  creatorNotes: '',
  tags: '',
  provider: '',
  model: '',
  temperature: '',
  maxTokens: '',
  visibility: 'private',
  lore: { entries: [], scanDepth: '8', tokenBudget: '512', recursive: false, rest: {} },
}

export function draftOf(persona: PersonaOut): PersonaDraft {
  return {
    name: persona.name,
    description: persona.description,
    personality: persona.personality,
    scenario: persona.scenario,
    greeting: persona.greeting,
    alternateGreetings: persona.alternate_greetings.map(keyed),
    exampleDialogue: persona.example_dialogue,
    systemPrompt: persona.system_prompt,
    postHistory: persona.post_history,
    creatorNotes: persona.creator_notes,
    tags: persona.tags.join(', '),
    provider: persona.provider ?? '',
    model: persona.model ?? '',
    temperature: persona.temperature?.toString() ?? '',
    maxTokens: persona.max_tokens?.toString() ?? '',
    visibility: persona.visibility,
    lore: {
      entries: persona.lore.entries.map((entry) =>
        keyed({
          name: entry.name,
          keys: entry.keys.join(', '),
          secondaryKeys: entry.secondary_keys.join(', '),
          content: entry.content,
          enabled: entry.enabled,
          constant: entry.constant,
          selective: entry.selective,
          caseSensitive: entry.case_sensitive,
          useRegex: entry.use_regex,
          insertionOrder: entry.insertion_order.toString(),
          priority: entry.priority.toString(),
          extensions: entry.extensions,
        }),
      ),
      scanDepth: persona.lore.scan_depth.toString(),
      tokenBudget: persona.lore.token_budget.toString(),
      recursive: persona.lore.recursive,
      rest: persona.lore.rest,
    },
  }
}

/** The persona that a draft describes, as the server takes it. */
export function personaOf(draft: PersonaDraft): NewPersona {
  return {
    name: draft.name.trim(),
    description: draft.description,
    personality: draft.personality,
    scenario: draft.scenario,
    greeting: draft.greeting,
    alternate_greetings: draft.alternateGreetings
      .map(({ value }) => value)
      .filter((text) => text.trim() !== ''),
    example_dialogue: draft.exampleDialogue,
    system_prompt: draft.systemPrompt,
    post_history: draft.postHistory,
    creator_notes: draft.creatorNotes,
    tags: listOf(draft.tags),
    provider: draft.provider.trim() || null,
    model: draft.model.trim() || null,
    temperature: numberOf(draft.temperature),
    max_tokens: numberOf(draft.maxTokens),
    visibility: draft.visibility,
    lore: {
      entries: draft.lore.entries.map(({ value }) => entryOf(value)),
      scan_depth: numberOf(draft.lore.scanDepth) ?? 8,
      token_budget: numberOf(draft.lore.tokenBudget) ?? 512,
      recursive: draft.lore.recursive,
      rest: draft.lore.rest,
    },
  }
}

function entryOf(entry: EntryDraft): LoreEntryBody {
  return {
    name: entry.name,
    keys: listOf(entry.keys),
    secondary_keys: listOf(entry.secondaryKeys),
    content: entry.content,
    enabled: entry.enabled,
    constant: entry.constant,
    selective: entry.selective,
    case_sensitive: entry.caseSensitive,
    use_regex: entry.useRegex,
    insertion_order: numberOf(entry.insertionOrder) ?? 100,
    priority: numberOf(entry.priority) ?? 10,
    extensions: entry.extensions,
  }
}

/** Read a list that people write with commas or line ends. */
export function listOf(text: string): string[] {
  return text
    .split(/[,\n]/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function numberOf(text: string): number | null {
  const number = Number(text.replace(',', '.'))
  return text.trim() === '' || Number.isNaN(number) ? null : number
}
