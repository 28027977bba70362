"""/personas/import and /personas/{id}/card: personas from other programs, and for them."""

import asyncio
from typing import Any, Final, Literal
from urllib.parse import quote

from fastapi import APIRouter, Request, Response, status

from gator.api.avatars import MAX_BYTES, PNG, SAFE_HEADERS, binary, hang
from gator.api.context import ApiContext, Asker, Context
from gator.api.persona_models import PersonaOut
from gator.api.personas import add, check_may_add, persona_out, visible
from gator.domain.persona import Persona
from gator.ports import CardSpec
from gator.protocol.types import PersonaId

router = APIRouter(prefix="/personas", tags=["personas"])

_JSON: Final = "application/json"
_FILE: Final[dict[str, Any]] = binary(PNG, "application/zip") | {_JSON: {"schema": {"type": "object"}}}


@router.post(
    "/import",
    status_code=status.HTTP_201_CREATED,
    openapi_extra={"requestBody": {"required": True, "content": _FILE}},
)
async def import_card(asker: Asker, api: Context, request: Request) -> PersonaOut:
    """Make a persona of a character card: JSON, PNG or CHARX, of version 1, 2 or 3.

    The body is the file. What this server does not know is kept, and goes out again with
    the card. A PNG becomes the persona's picture if it has at most 2 MiB.
    """
    check_may_add(api, asker.user_id)
    data = await request.body()
    # Pictures and archives are unpacked, which takes the time of many messages.
    card = await asyncio.to_thread(api.cards.read_card, data)
    persona = card.persona(PersonaId(api.services.new_id()), asker.user_id, api.services.clock.now())
    await add(api, persona)
    if card.picture is not None and len(card.picture) <= MAX_BYTES:
        persona = await hang(api, request, persona, PNG, card.picture)
    return persona_out(persona, asker.user_id)


@router.get("/{persona_id}/card", response_class=Response, responses={200: {"content": binary(PNG, _JSON)}})
async def export_card(
    persona_id: str,
    asker: Asker,
    api: Context,
    format: Literal["json", "png"] = "json",  # noqa: A002 - the name of the parameter in the address
    spec: CardSpec = "v3",
) -> Response:
    """Read a persona as a character card for other programs.

    As JSON of the version that `spec` names, or as a PNG, which holds both versions. A
    persona whose picture is no PNG goes out with a plain one.
    """
    persona = visible(api, persona_id, asker.user_id)
    if format == "png":
        card, media_type = await _png(api, persona), PNG
    else:
        card, media_type = api.cards.write_card_json(persona, spec), _JSON
    name = f"filename*=UTF-8''{quote(persona.name, safe='')}.{format}"  # RFC 8187
    return Response(
        card, media_type=media_type, headers=SAFE_HEADERS | {"Content-Disposition": f"attachment; {name}"}
    )


async def _png(api: ApiContext, persona: Persona) -> bytes:
    media_type, image = await api.services.store.avatar(persona.id) or ("", b"")
    picture = image if media_type == PNG else None
    return await asyncio.to_thread(api.cards.write_card_png, persona, picture)
