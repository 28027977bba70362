"""/personas: make, find, change and delete AI characters, and begin to talk with one."""

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query, Response, status

from gator.api.context import ApiContext, Asker, Context
from gator.api.conversations import read_conversation
from gator.api.models import ConversationOut
from gator.api.persona_models import NewPersona, PersonaChanges, PersonaOut, PersonaPage, PersonaRow
from gator.domain.conversation import CreateConversation
from gator.domain.identity import Identity
from gator.domain.persona import MAX_CARD_BYTES, Persona, check_owner
from gator.domain.reply import Greet
from gator.protocol.errors import Refusal
from gator.protocol.events import Sender
from gator.protocol.times import rfc3339
from gator.protocol.types import ConversationId, MessageId, PersonaId, UserId

router = APIRouter(prefix="/personas", tags=["personas"])

SHOWN_TAGS: Final = 20
SHOWN_TAG_CHARS: Final = 64
BLURB_CHARS: Final = 200
"""How much of a persona a list shows: a page of whole cards may have 50 MB."""


@router.post("", status_code=status.HTTP_201_CREATED)
async def create_persona(body: NewPersona, asker: Asker, api: Context) -> PersonaOut:
    """Make a persona. It is private unless said otherwise."""
    check_may_add(api, asker.user_id)
    now = api.services.clock.now()
    origin = {"id": api.services.new_id(), "owner_id": asker.user_id, "created_at": now, "updated_at": now}
    persona = msgspec.convert(body.model_dump() | origin, Persona)
    await add(api, persona)
    return persona_out(persona, asker.user_id)


@router.get("")
async def list_personas(
    asker: Asker,
    api: Context,
    mine: bool = False,
    query: Annotated[str, Query(max_length=200)] = "",
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> PersonaPage:
    """List the personas that the asker may ask, the oldest first.

    With `mine` only their own; with `query` those that have it in their name or a tag.
    """
    found = [
        persona
        for persona in api.services.catalog.visible_to(asker.user_id)
        if (not mine or persona.owner_id == asker.user_id)
        and (cursor is None or persona.id > cursor)
        and _is_found(persona, query.casefold())
    ]
    found.sort(key=lambda persona: persona.id)
    return PersonaPage(
        personas=[_row(persona, asker.user_id) for persona in found[:limit]],
        next_cursor=found[limit - 1].id if len(found) > limit else None,
    )


@router.get("/{persona_id}")
async def read_persona(persona_id: str, asker: Asker, api: Context) -> PersonaOut:
    """Read a persona's whole card."""
    return persona_out(visible(api, persona_id, asker.user_id), asker.user_id)


@router.patch("/{persona_id}")
async def change_persona(persona_id: str, body: PersonaChanges, asker: Asker, api: Context) -> PersonaOut:
    """Change what is named and leave the rest as it is. Its owner may."""
    persona = owned(api, persona_id, asker.user_id)
    changes = body.model_dump(include=body.model_fields_set) | {"updated_at": api.services.clock.now()}
    changed = msgspec.convert(msgspec.to_builtins(persona) | changes, Persona)
    _check_size(changed)
    await api.services.catalog.change(changed)
    return persona_out(changed, asker.user_id)


@router.delete("/{persona_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_persona(persona_id: str, asker: Asker, api: Context) -> None:
    """Take a persona away, and end its replies; what it said stays. Its owner may."""
    await api.services.catalog.delete(owned(api, persona_id, asker.user_id).id)


@router.post(
    "/{persona_id}/conversations",
    status_code=status.HTTP_201_CREATED,
    responses={200: {"model": ConversationOut}},
)
async def talk_with_persona(persona_id: str, asker: Asker, api: Context, response: Response) -> ConversationOut:
    """Begin a direct conversation with a persona, or find it (200). A new one begins with its greeting."""
    persona = visible(api, persona_id, asker.user_id)
    api.limits.check_create(asker.user_id)
    committed = await api.services.journal.commit(
        CreateConversation(
            conversation_id=ConversationId(api.services.new_id()),
            kind="direct",
            title=None,
            by=asker.user_id,
            member_ids=[UserId(persona.id)],
        )
    )
    await _greet(api, persona, asker, committed.conversation_id)
    if committed.duplicate:
        response.status_code = status.HTTP_200_OK
    return await read_conversation(committed.conversation_id, asker, api)


async def _greet(api: ApiContext, persona: Persona, asker: Identity, conversation_id: ConversationId) -> None:
    greeting = api.greeting_of(persona, asker.name or asker.user_id)
    if greeting.strip():
        await api.services.journal.commit(
            Greet(
                conversation_id=conversation_id,
                persona_id=persona.id,
                sender=Sender(name=persona.name, avatar=persona.avatar),
                content=greeting,
                message_id=MessageId(api.services.new_id()),
            )
        )


def visible(api: ApiContext, persona_id: str, user_id: UserId) -> Persona:
    """Find a persona that a user may ask.

    Raises:
        Refusal: `persona_not_found`, whether it never was or is somebody else's.
    """
    persona = api.services.catalog.get(PersonaId(persona_id))
    if persona is None or not persona.may_be_asked_by(user_id):
        raise Refusal("persona_not_found")
    return persona


def owned(api: ApiContext, persona_id: str, user_id: UserId) -> Persona:
    """Find a persona that a user may change.

    Raises:
        Refusal: `persona_not_found`, or `forbidden` for a public one of somebody else.
    """
    return check_owner(api.services.catalog.get(PersonaId(persona_id)), user_id)


def check_may_add(api: ApiContext, user_id: UserId) -> None:
    """Refuse one more persona of a user who has enough, or makes them too fast, before any work is done for it.

    Raises:
        Refusal: `too_many_personas`, `rate_limited`.
    """
    api.limits.check_create(user_id)
    if api.services.catalog.owned_by(user_id) >= api.max_personas:
        raise Refusal("too_many_personas", f"You have {api.max_personas} personas; delete one first.")


async def add(api: ApiContext, persona: Persona) -> None:
    """Write a new persona down, if it is not too large as a whole.

    Raises:
        Refusal: `invalid_command`, `too_many_personas`, `overloaded`.
    """
    _check_size(persona)
    await api.services.catalog.add(persona, most=api.max_personas)


def _check_size(persona: Persona) -> None:
    try:
        size = len(msgspec.json.encode(persona))
    except UnicodeEncodeError:
        raise Refusal("invalid_command", "lore: holds what is not valid Unicode.") from None
    if size > MAX_CARD_BYTES:
        raise Refusal("invalid_command", f"A persona has at most {MAX_CARD_BYTES} bytes in all, not {size}.")


def persona_out(persona: Persona, user_id: UserId) -> PersonaOut:
    """Word a persona for somebody who may see it."""
    return PersonaOut.model_validate(msgspec.structs.asdict(persona) | _seen_by(persona, user_id))


def _row(persona: Persona, user_id: UserId) -> PersonaRow:
    said = persona.creator_notes or persona.description
    return PersonaRow(
        id=persona.id,
        name=persona.name,
        avatar=persona.avatar,
        tags=_shown_tags(persona),
        blurb=" ".join(said[: 2 * BLURB_CHARS].split())[:BLURB_CHARS],
        visibility=persona.visibility,
        **_seen_by(persona, user_id),
    )


def _seen_by(persona: Persona, user_id: UserId) -> dict[str, Any]:
    return {
        "mine": persona.owner_id == user_id,
        "created_at": rfc3339(persona.created_at),
        "updated_at": rfc3339(persona.updated_at),
    }


def _is_found(persona: Persona, query: str) -> bool:
    return query in persona.name.casefold() or any(query in tag.casefold() for tag in _shown_tags(persona))


def _shown_tags(persona: Persona) -> list[str]:
    return [tag[:SHOWN_TAG_CHARS] for tag in persona.tags[:SHOWN_TAGS]]
