import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { Person, type Stage } from '../support/person.js'

/** What a server must do for the client to work. Run against the fake server and the real one. */
export function contract(name: string, stage: () => Stage): void {
  describe(name, () => {
    const people: Person[] = []
    afterEach(() => {
      for (const person of people.splice(0)) person.leaves()
    })
    // Names of their own for each test: the real server remembers the others.
    const room = () => `room/${randomUUID()}`
    const arrives = async (who: string) => {
      const person = await Person.connect(stage(), `${who}-${randomUUID().slice(0, 8)}`)
      people.push(person)
      return person
    }

    test('the first frame says who one is, and the limits', async () => {
      const ada = await arrives('ada')
      expect(ada.heard[0]).toMatchObject({
        type: 'online_users',
        users: [ada.id],
        user_id: ada.id,
        connection_id: expect.any(String),
        epoch: expect.any(String),
        heartbeat_ms: expect.any(Number),
        limits: { max_joined_conversations: expect.any(Number), max_message_chars: expect.any(Number) },
      })
    })

    test('joining an unknown conversation makes it, and one its owner', async () => {
      const ada = await arrives('ada')
      const joined = await ada.joins(room())
      expect(joined).toMatchObject({
        seq: 1,
        recovered: false,
        reason: 'no_position',
        role: 'owner',
        member_count: 1,
        online: [ada.id],
        online_count: 1,
      })
      const rejoined = await ada.joins(joined.conversation_id, { after_seq: 0, epoch: joined.epoch })
      expect(rejoined).toMatchObject({ seq: 1, recovered: true })
      const created = await ada.hears('conversation_created')
      expect(created).toMatchObject({ seq: 1, kind: 'group', title: null, by: ada.id })
      expect(created.members).toEqual([{ user_id: ada.id, role: 'owner' }])
    })

    test('a message is acknowledged, and told to all who have joined', async () => {
      const [ada, bob] = [await arrives('ada'), await arrives('bob')]
      const { conversation_id: id } = await ada.joins(room())
      await bob.joins(id)
      const ack = await ada.says(id, 'The kettle is on.', 'a-1')
      expect(ack).toMatchObject({ type: 'ack', seq: 3, duplicate: false, client_message_id: 'a-1' })
      for (const person of [ada, bob]) {
        const { message, seq } = await person.hears('new_message')
        expect(seq).toBe(3)
        expect(message).toMatchObject({
          seq: 3,
          sender_id: ada.id,
          content: 'The kettle is on.',
          is_ai: false,
        })
        expect(message.client_message_id).toBe('a-1')
      }
      expect(await ada.all('members_added')).toMatchObject([
        { seq: 2, by: bob.id, members: [{ user_id: bob.id, role: 'member' }], member_count: 2 },
      ])
    })

    test('a repeat is acknowledged as the first time, and stored once', async () => {
      const ada = await arrives('ada')
      const { conversation_id: id } = await ada.joins(room())
      const first = await ada.says(id, 'Once.', 'a-1')
      const again = await ada.says(id, 'Once.', 'a-1')
      expect(again).toMatchObject({ type: 'ack', duplicate: true })
      const { message_id, seq } = first as { message_id: string; seq: number }
      expect(again).toMatchObject({ message_id, seq })
      expect(await ada.says(id, 'Twice.', 'a-1')).toMatchObject({
        type: 'error',
        code: 'conflict',
        client_message_id: 'a-1',
      })
      expect(await ada.all('new_message')).toHaveLength(1)
    })

    test.each([
      ['', 'message_blank'],
      [' \n ', 'message_blank'],
      ['x'.repeat(5_001), 'message_too_long'],
      ['a\0b', 'message_not_text'],
    ])('the message %j is refused as %s', async (content, code) => {
      const ada = await arrives('ada')
      const { conversation_id: id } = await ada.joins(room())
      expect(await ada.says(id, content)).toMatchObject({ type: 'error', code })
    })

    test('whoever is no member is told that there is no such conversation', async () => {
      const [ada, bob] = [await arrives('ada'), await arrives('bob')]
      const { conversation_id: id } = await ada.joins(room())
      expect(await bob.says(id, 'Let me in.')).toMatchObject({ code: 'conversation_not_found' })
      expect(await bob.says(room(), 'Hello?')).toMatchObject({ code: 'conversation_not_found' })
      for (const path of ['', '/events', '/messages', '/members']) {
        const answer = await bob.http('GET', `/conversations/${encodeURIComponent(id)}${path}`)
        expect(answer).toMatchObject({ status: 404, body: { code: 'conversation_not_found' } })
      }
    })

    test('who resumes gets what was missed, in order, and then what is new', async () => {
      const [ada, bob] = [await arrives('ada'), await arrives('bob')]
      const { conversation_id: id, epoch } = await ada.joins(room())
      for (const text of ['one', 'two', 'three']) await ada.says(id, text)
      const joined = await bob.joins(id, { after_seq: 2, epoch })
      expect(joined).toMatchObject({ recovered: true, seq: 5 })
      expect(joined.reason).toBeUndefined()
      await ada.says(id, 'four')
      await bob.hears('new_message', (event) => event.message.content === 'four')
      const durable = bob.heard.flatMap((event) =>
        event.type !== 'conversation_joined' && 'seq' in event ? [event.seq] : [],
      )
      expect(durable).toEqual([3, 4, 5, 6])
    })

    test('another epoch, or a position beyond the end, recovers nothing', async () => {
      const ada = await arrives('ada')
      const { conversation_id: id, epoch } = await ada.joins(room())
      expect(await ada.joins(id, { after_seq: 1, epoch: 'another' })).toMatchObject({
        recovered: false,
        reason: 'epoch_changed',
      })
      expect(await ada.joins(id, { after_seq: 9, epoch })).toMatchObject({
        recovered: false,
        reason: 'ahead_of_log',
      })
    })

    test('typing is told to the others who have joined, and needs a join', async () => {
      const [ada, bob] = [await arrives('ada'), await arrives('bob')]
      const { conversation_id: id } = await ada.joins(room())
      expect(await bob.ask({ type: 'typing_start', conversation_id: id })).toMatchObject({
        code: 'not_joined',
      })
      await bob.joins(id)
      bob.tell({ type: 'typing_start', conversation_id: id })
      expect(await ada.hears('typing_indicator')).toMatchObject({ user_id: bob.id, is_typing: true })
      bob.tell({ type: 'typing_stop', conversation_id: id })
      await ada.hears('typing_indicator', (event) => !event.is_typing)
      expect(await bob.all('typing_indicator')).toEqual([])
    })

    test('who has left hears a notification instead', async () => {
      const [ada, bob] = [await arrives('ada'), await arrives('bob')]
      const { conversation_id: id } = await ada.joins(room())
      await bob.joins(id)
      expect(await bob.ask({ type: 'leave_conversation', conversation_id: id })).toMatchObject({
        reason: 'asked',
      })
      await ada.says(id, 'Still there?')
      expect(await bob.hears('notification')).toMatchObject({
        conversation_id: id,
        seq: 3,
        reason: 'new_message',
        message: { content: 'Still there?' },
      })
      expect(await bob.all('new_message')).toEqual([])
    })

    test('what is read is told to all of one’s own connections, and never goes back', async () => {
      const ada = await arrives('ada')
      const second = await Person.connect(stage(), ada.id)
      people.push(second)
      const { conversation_id: id } = await ada.joins(room())
      await ada.says(id, 'One.')
      expect(await ada.ask({ type: 'mark_read', conversation_id: id, seq: 99 })).toMatchObject({ seq: 2 })
      expect(await second.hears('read_marked')).toMatchObject({ conversation_id: id, seq: 2 })
      await ada.ask({ type: 'mark_read', conversation_id: id, seq: 1 })
      const { body } = await ada.http('GET', `/conversations/${encodeURIComponent(id)}`)
      expect(body).toMatchObject({ read_seq: 2, unread: 0 })
    })

    test('a heartbeat is answered', async () => {
      const ada = await arrives('ada')
      expect(await ada.ask({ type: 'heartbeat' })).toMatchObject({ type: 'heartbeat' })
    })

    test('an unknown command is an error, and the connection goes on', async () => {
      const ada = await arrives('ada')
      const unknown = { type: 'boil_kettle' } as unknown as { type: 'heartbeat' }
      expect(await ada.ask(unknown)).toMatchObject({ type: 'error', code: 'unknown_type' })
      expect(await ada.ask({ type: 'heartbeat' })).toMatchObject({ type: 'heartbeat' })
    })

    test('members come and go, and everybody is told', async () => {
      const [ada, bob, cleo] = [await arrives('ada'), await arrives('bob'), await arrives('cleo')]
      const { conversation_id: id } = await ada.joins(room())
      const members = `/conversations/${encodeURIComponent(id)}/members`
      expect(await ada.http('POST', members, { user_id: bob.id })).toMatchObject({ status: 204 })
      expect(await bob.hears('notification')).toMatchObject({ conversation_id: id, reason: 'added' })
      await bob.joins(id)
      await ada.http('POST', members, { user_id: cleo.id, role: 'admin' })
      const listed = await ada.http('GET', members)
      const { members: rows } = listed.body as {
        members: { user_id: string; role: string; online: boolean }[]
      }
      expect(rows.map(({ user_id, role, online }) => [user_id, role, online])).toEqual([
        [ada.id, 'owner', true],
        [bob.id, 'member', true],
        [cleo.id, 'admin', true],
      ])
      expect(await bob.http('DELETE', `${members}/${cleo.id}`)).toMatchObject({
        status: 403,
        body: { code: 'forbidden' },
      })
      expect(await ada.http('DELETE', `${members}/${ada.id}`)).toMatchObject({
        status: 409,
        body: { code: 'last_owner' },
      })
      expect(await ada.http('DELETE', `${members}/${bob.id}`)).toMatchObject({ status: 204 })
      expect(await bob.hears('member_removed')).toMatchObject({
        user_id: bob.id,
        by: ada.id,
        member_count: 2,
      })
      expect(await bob.hears('conversation_left')).toMatchObject({ conversation_id: id, reason: 'removed' })
    })

    test('a name changes for all; only some may change it', async () => {
      const [ada, bob] = [await arrives('ada'), await arrives('bob')]
      const { conversation_id: id } = await ada.joins(room())
      await bob.joins(id)
      const address = `/conversations/${encodeURIComponent(id)}`
      expect(await bob.http('PATCH', address, { title: 'Mine' })).toMatchObject({ status: 403 })
      expect(await ada.http('PATCH', address, { title: 'Tea club' })).toMatchObject({
        body: { title: 'Tea club' },
      })
      expect(await bob.hears('conversation_renamed')).toMatchObject({ title: 'Tea club', by: ada.id })
    })

    test('a deleted conversation is gone for all', async () => {
      const [ada, bob] = [await arrives('ada'), await arrives('bob')]
      const { conversation_id: id } = await ada.joins(room())
      await bob.joins(id)
      expect(await ada.http('DELETE', `/conversations/${encodeURIComponent(id)}`)).toMatchObject({
        status: 204,
      })
      for (const person of [ada, bob]) {
        await person.hears('conversation_deleted')
        expect(await person.hears('conversation_left')).toMatchObject({ reason: 'deleted' })
      }
      const again = await bob.ask({ type: 'join_conversation', conversation_id: id })
      expect(again).toMatchObject({ type: 'error', code: 'conversation_not_found' })
    })

    test('two people have one direct conversation', async () => {
      const [ada, bob] = [await arrives('ada'), await arrives('bob')]
      const first = await ada.http('POST', '/conversations', { kind: 'direct', member_ids: [bob.id] })
      const second = await bob.http('POST', '/conversations', { kind: 'direct', member_ids: [ada.id] })
      expect(first.body).toMatchObject({ kind: 'direct', title: null, role: 'member', peer_id: bob.id })
      expect((second.body as { id: string }).id).toBe((first.body as { id: string }).id)
      const other = await arrives('cleo')
      const { id } = first.body as { id: string }
      expect(await other.ask({ type: 'join_conversation', conversation_id: id })).toMatchObject({
        code: 'conversation_not_found',
      })
    })

    test('a conversation is listed with its last message and what is unread', async () => {
      const [ada, bob] = [await arrives('ada'), await arrives('bob')]
      const older = (await ada.joins(room())).conversation_id
      await ada.says(older, 'An older one.')
      const { conversation_id: id } = await ada.joins(room())
      await bob.joins(id)
      await bob.says(id, 'Anybody here?')
      const { body } = await ada.http('GET', '/conversations')
      const { conversations, next_cursor } = body as {
        conversations: { id: string }[]
        next_cursor: string | null
      }
      expect(next_cursor).toBeNull()
      expect(conversations.map((one) => one.id)).toEqual([id, older])
      expect(conversations[0]).toMatchObject({
        kind: 'group',
        title: null,
        role: 'owner',
        seq: 3,
        member_count: 2,
        read_seq: 0,
        unread: 1,
        peer_id: null,
        last_message: { content: 'Anybody here?', sender_id: bob.id, client_message_id: null, reply: null },
      })
    })

    test('the log is read in pages, as it was sent', async () => {
      const ada = await arrives('ada')
      const { conversation_id: id, epoch } = await ada.joins(room())
      for (const text of ['one', 'two', 'three']) await ada.says(id, text)
      const address = `/conversations/${encodeURIComponent(id)}`
      const page = await ada.http('GET', `${address}/events?after=1&limit=2`)
      expect(page.body).toEqual({
        events: (await ada.all('new_message')).slice(0, 2),
        has_more: true,
        head: 4,
        epoch,
      })
      const messages = await ada.http('GET', `${address}/messages?before=4&limit=1`)
      expect(messages.body).toMatchObject({
        messages: [{ content: 'two', seq: 3 }],
        has_more: true,
        head: 4,
        epoch,
      })
    })

    test('whoever shares a conversation is seen coming', async () => {
      const ada = await arrives('ada')
      const { conversation_id: id } = await ada.joins(room())
      const bobId = `bob-${randomUUID().slice(0, 8)}`
      await ada.http('POST', `/conversations/${encodeURIComponent(id)}/members`, { user_id: bobId })
      const before = await ada.ask({ type: 'get_online_status', user_ids: [bobId, 'a-stranger'] })
      expect(before).toMatchObject({
        type: 'online_users',
        users: [],
        statuses: { [bobId]: { online: false } },
      })
      const bob = await Person.connect(stage(), bobId)
      people.push(bob)
      expect(bob.heard[0]).toMatchObject({ users: [bobId] })
      const after = await ada.ask({ type: 'get_online_status', user_ids: [bobId] })
      expect(after).toMatchObject({ users: [bobId], statuses: { [bobId]: { online: true } } })
      expect(await ada.all('presence_update')).toEqual([])
      const joined = await bob.joins(id)
      expect([...joined.online].sort()).toEqual([ada.id, bobId])
      expect(await ada.hears('presence_update')).toMatchObject({ user_id: bobId, online: true })
    })

    test('a run that nobody knows cannot be stopped, resumed or made anew', async () => {
      const ada = await arrives('ada')
      const refused = { type: 'error', code: 'run_not_found' }
      expect(await ada.ask({ type: 'stop_reply', run_id: 'none' })).toMatchObject(refused)
      expect(await ada.ask({ type: 'resume_reply', run_id: 'none' })).toMatchObject(refused)
      expect(await ada.ask({ type: 'regenerate_reply', message_id: 'none' })).toMatchObject(refused)
    })
  })
}
