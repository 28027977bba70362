"""/personas/{id}/avatar: a persona's picture."""

import asyncio
from hashlib import sha256
from typing import Any, Final

from fastapi import APIRouter, Request, Response, status
from msgspec.structs import replace

from gator.api.context import ApiContext, Asker, Context
from gator.api.persona_models import PersonaOut
from gator.api.personas import owned, persona_out
from gator.domain.persona import Persona
from gator.protocol.errors import Refusal
from gator.protocol.types import PersonaId, UserId

router = APIRouter(prefix="/personas/{persona_id}/avatar", tags=["personas"])

MAX_BYTES: Final = 2 * 1024 * 1024
PNG: Final = "image/png"

SAFE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}
"""For files that come from strangers: nothing in them is run, whatever a browser takes them for."""

_SIGNATURES: Final = {
    b"\x89PNG\r\n\x1a\n": PNG,
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
_MEDIA_TYPES: Final = (PNG, "image/jpeg", "image/webp", "image/gif")


def binary(*media_types: str) -> dict[str, Any]:
    """Describe a file for OpenAPI, by the types that it may have."""
    return {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in media_types}


@router.get("", response_class=Response, responses={200: {"content": binary(*_MEDIA_TYPES)}, 304: {}})
async def read_avatar(persona_id: str, asker: Asker, api: Context, request: Request, v: str = "") -> Response:
    """Read a persona's picture. Its address names the version, and may be kept for ever."""
    persona = await _shown(api, persona_id, asker.user_id)
    version = _version(persona)
    headers = SAFE_HEADERS | {
        "ETag": f'"{version}"',
        "Cache-Control": f"private, {'max-age=31536000, immutable' if v == version else 'no-cache'}",
        "Vary": "Authorization, X-Gator-User",
    }
    if f'"{version}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    found = await api.services.store.avatar(persona.id)
    if found is None:
        raise Refusal("not_found")
    media_type, image = found
    return Response(image, media_type=media_type, headers=headers)


@router.put("", openapi_extra={"requestBody": {"required": True, "content": binary(*_MEDIA_TYPES)}})
async def change_avatar(persona_id: str, asker: Asker, api: Context, request: Request) -> PersonaOut:
    """Give a persona a picture: PNG, JPEG, WebP or GIF, of at most 2 MiB. Its owner may."""
    persona = owned(api, persona_id, asker.user_id)
    api.limits.check_create(asker.user_id)
    image = await request.body()
    if len(image) > MAX_BYTES:
        raise Refusal("body_too_large", f"A picture has at most {MAX_BYTES} bytes.")
    media_type = media_type_of(image)
    if media_type is None:
        raise Refusal("bad_card", "A picture is PNG, JPEG, WebP or GIF.")
    if media_type == PNG:
        # What is not picture may be the whole card, which not everybody may see who sees the picture.
        image = await asyncio.to_thread(api.cards.picture_of, image)
    return persona_out(await hang(api, request, persona, media_type, image), asker.user_id)


@router.delete("", status_code=status.HTTP_204_NO_CONTENT)
async def delete_avatar(persona_id: str, asker: Asker, api: Context) -> None:
    """Take a persona's picture away. Its owner may."""
    persona = owned(api, persona_id, asker.user_id)
    bare = replace(persona, avatar=None, updated_at=api.services.clock.now())
    await api.services.catalog.save_avatar(bare, "", None)


async def hang(api: ApiContext, request: Request, persona: Persona, media_type: str, image: bytes) -> Persona:
    """Give a persona a picture, and give it back with the picture's address."""
    path = request.app.url_path_for(read_avatar.__name__, persona_id=persona.id)
    shown = replace(
        persona,
        avatar=f"{path}?v={sha256(image).hexdigest()[:16]}",
        updated_at=api.services.clock.now(),
    )
    await api.services.catalog.save_avatar(shown, media_type, image)
    return shown


def media_type_of(image: bytes) -> str | None:
    """Tell what a picture is by its first bytes; None if it is no picture that is served."""
    if image[:4] == b"RIFF" and image[8:12] == b"WEBP":
        return "image/webp"
    return next((name for begin, name in _SIGNATURES.items() if image.startswith(begin)), None)


async def _shown(api: ApiContext, persona_id: str, user_id: UserId) -> Persona:
    """Find a persona whose picture a user may see: they may ask it, or are in a conversation with it.

    Raises:
        Refusal: `persona_not_found`.
    """
    persona = api.services.catalog.get(PersonaId(persona_id))
    if persona is not None and not persona.may_be_asked_by(user_id):
        known = await api.services.store.acquaintances(user_id, [UserId(persona.id)])
        persona = persona if known else None
    if persona is None:
        raise Refusal("persona_not_found")
    return persona


def _version(persona: Persona) -> str:
    """Read the version out of the picture's address; empty without a picture."""
    return (persona.avatar or "").rpartition("=")[2]
