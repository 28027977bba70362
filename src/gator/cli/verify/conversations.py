"""The conversations of a run: made in every way there is, and deleted at the end."""

from collections.abc import Sequence

from gator.cli.verify.api import Api, ApiError
from gator.cli.verify.line import Gone
from gator.cli.verify.opening import NotOpened
from gator.cli.verify.options import CannotRun, Options
from gator.cli.verify.people import Person
from gator.cli.verify.promises import Verdicts
from gator.cli.verify.scene import create, join
from gator.protocol.types import ConversationId


async def make(
    options: Options, members: Sequence[Person], api: Api, verdicts: Verdicts
) -> list[tuple[Person, str]]:
    """Make the conversations, each owned by another member. Returns owners and ids.

    Raises:
        CannotRun: The server refuses.
    """
    ways = ["http", "socket"] if options.tokens else ["http", "socket", "entering"]
    made: list[tuple[Person, str]] = []
    for number in range(options.conversations):
        owner = members[number % len(members)]
        others = [one.user_id for one in members if one is not owner]
        way = ways[number % len(ways)]
        try:
            if way == "http":
                made.append((owner, await _over_http(owner, others, api, verdicts)))
            else:
                made.append((owner, await _on_socket(owner, others, way, f"{options.name}-room-{number}")))
        except (Gone, TimeoutError, NotOpened) as error:
            raise CannotRun(f"A conversation could not be created: {error}.") from None
    return made


async def _over_http(owner: Person, others: Sequence[str], api: Api, verdicts: Verdicts) -> str:
    try:
        return await api.create(owner, others)
    except ApiError as error:
        verdicts.broken("history", f"a conversation cannot be made over HTTP: {error}")
        return await _on_socket(owner, others, "socket", "")


async def _on_socket(owner: Person, others: Sequence[str], way: str, wished_id: str) -> str:
    async with owner.line("an owner") as line:
        if way == "socket":
            return await create(line, *others)
        # In open mode who joins an unknown conversation creates it.
        await join(line, ConversationId(wished_id))
        return wished_id


async def delete(made: Sequence[tuple[Person, str]], api: Api) -> list[str]:
    """Delete the conversations. Returns the ids of those that are still there."""
    left = []
    for owner, conversation_id in made:
        try:
            gone = await api.delete(owner, conversation_id)
        except ApiError:
            gone = False
        if not gone:
            left.append(conversation_id)
    return left
