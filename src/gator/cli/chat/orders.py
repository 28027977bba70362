"""What a typed line has done: said, asked of a persona, or carried out here. The same in both kinds of screen."""

from collections.abc import Callable, Sequence

from gator.cli.chat.lines import WHY_FAILED, WHY_REJECTED, columns, listed, signed
from gator.cli.chat.roster import Roster
from gator_chat_client import (
    ChatError,
    Client,
    Conversation,
    MemberRecord,
    PersonaSummary,
    ReplyEnd,
    Sent,
    Snapshot,
)


class Orders:
    """Carries orders out for one user; what is to be told is told through `note`."""

    def __init__(self, client: Client, roster: Roster, note: Callable[[str], None]) -> None:
        self._client = client
        self._roster = roster
        self._note = note

    async def ask(self, conversation: Conversation, text: str) -> Sent | None:
        """Say something to the persona whose name or id a text begins with.

        The list of personas is asked for, and waited for, if it is not known or knows no such name.

        Returns:
            None if it asks nobody, or nothing: `note` has heard why.
        """
        whom, words = self._roster.addressed(text)
        if not (self._roster.is_listed and len(whom) == 1):
            await self.learn()
            whom, words = self._roster.addressed(text)
        why = _unclear(whom, words)
        if why is not None:
            self._note(not_said(text, why))
            return None
        return await conversation.send(words, persona_id=whom[0])

    async def learn(self) -> None:
        """Ask for the list of personas, as soon as there is a connection."""
        await self._client.until(lambda client: client.is_connected)
        try:
            self._roster.learn_all(await self._client.http.personas())
        except ChatError:
            self._roster.learn_all(None)

    async def personas(self) -> None:
        """Tell who may be asked."""
        try:
            personas = await self._client.http.personas()
        except ChatError:
            self._note("The server does not say which personas there are.")
            return
        self._roster.learn_all(personas)
        for line in _listing(personas):
            self._note(line)

    async def who(self, conversation: Conversation) -> None:
        """Tell who is here."""
        try:
            members = await conversation.members()
        except ChatError:
            snapshot = conversation.snapshot
            names = listed(snapshot.online) or "names are not told"
            self._note(f"Online ({snapshot.online_count}): {names}")
            self._note(f"{counted(snapshot.member_count, 'member')} in all")
            return
        for line in _presence(members, conversation.snapshot.member_count):
            self._note(line)

    def ending(self, end: ReplyEnd) -> str:
        """Word how a reply ended."""
        return _ending(end, signed(self._roster.name_of(end.persona_id)))

    async def stop(self, conversation: Conversation) -> None:
        """Stop the reply that is being made, or else the first that waits."""
        run_id = to_stop(conversation.snapshot)
        if run_id is None:
            self._note("There is no reply to stop.")
            return
        try:
            await conversation.stop_reply(run_id)
        except ChatError as error:
            self._note(f"The server says: {error.message}")

    async def again(self, conversation: Conversation) -> str | None:
        """Have the reply that is being made made anew, or the newest one. Returns the id of the run."""
        message_id = to_redo(conversation.snapshot)
        if message_id is None:
            self._note("There is no reply here to be made anew.")
            return None
        try:
            return await conversation.regenerate_reply(message_id)
        except ChatError as error:
            self._note(f"The server says: {error.message}")
            return None


def _ending(end: ReplyEnd, name: str) -> str:
    match end.how:
        case "stopped":
            return f"{end.by} stopped {name}" if end.by is not None else f"The server ended the reply of {name}"
        case "failed":
            offer = ". /again has it made anew." if end.retryable else ""
            why = WHY_FAILED.get(end.code or "", "for a reason that is newer than this program")
            return f"The reply of {name} failed: {why}{offer}"
        case "rejected":
            why = WHY_REJECTED.get(end.code or "", "for a reason that is newer than this program")
            if end.retry_after_ms is None:
                return f"{name} does not reply: {why}"
            return f"{name} does not reply: {why}. /again in {max(1, round(end.retry_after_ms / 1000))} s."


def to_stop(snapshot: Snapshot) -> str | None:
    """Name the run that `/stop` is about."""
    runs = sorted(snapshot.replies, key=lambda reply: reply.message_id is None)
    return runs[0].run_id if runs else None


def to_redo(snapshot: Snapshot) -> str | None:
    """Name what `/again` is about: a reply, or the message whose reply failed."""
    for reply in snapshot.replies:
        if reply.message_id is not None:
            return reply.message_id
    asked_at: dict[str, int] = {message.id: message.seq for message in snapshot.messages}
    newest: str | None = None
    at = -1
    for message in snapshot.messages:
        if message.reply is not None and asked_at.get(message.reply.answers, 0) >= at:
            newest, at = message.id, asked_at.get(message.reply.answers, 0)
    for end in snapshot.reply_ends:
        if asked_at.get(end.answers, 0) >= at:
            newest, at = end.message_id or end.answers, asked_at.get(end.answers, 0)
    return newest


def not_said(text: str, why: str) -> str:
    """Word why a message was not sent."""
    text = text if len(text) <= 60 else f"{text[:60]} ..."
    return f"Not sent: {text!r}. {why}"


def counted(count: int, noun: str) -> str:
    """Put a number before a noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _unclear(whom: Sequence[str], text: str) -> str | None:
    """Say why a line asks nobody, or nothing."""
    if not text:
        return "Write /ask, a name, and what you want to say."
    if not whom:
        return "You may ask nobody of that name: /personas lists whom."
    if len(whom) > 1:
        return f"Several are called that. Name one by its id: {listed(whom)}."
    return None


def _listing(personas: Sequence[PersonaSummary]) -> list[str]:
    if not personas:
        return ["There is no persona that you may ask."]
    wide = max(columns(persona.name) for persona in personas)
    return [f"{each.name}{' ' * (wide - columns(each.name))}  {each.id}" for each in personas]


def _presence(members: Sequence[MemberRecord], member_count: int) -> list[str]:
    online = [member.user_id for member in members if member.online]
    away = [member.user_id for member in members if not member.online]
    unnamed = member_count - len(members)
    return [
        f"Online ({len(online)}): {listed(online)}",
        *([f"Away ({len(away)}): {listed(away)}"] if away else []),
        *([f"... and {counted(unnamed, 'more member')}"] if unnamed > 0 else []),
    ]
