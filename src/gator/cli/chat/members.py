"""Who is in a conversation, and which personas may be asked: over HTTP."""

import json
from typing import Any, Final

import httpx2

from gator.cli.chat.address import Address
from gator.cli.chat.effects import Persona, Present
from gator.protocol.types import PersonaId

TIMEOUT_S: Final = 5.0

MAX_PAGES: Final = 20
"""How many pages of personas are read, of 50 each."""


async def members_at(address: Address) -> list[Present] | None:
    """List the members, up to 200; None if the server does not say."""
    try:
        async with _client(address) as client:
            page = await _read(client, address.members, limit="200")
            return [Present(str(one["user_id"]), bool(one["online"])) for one in page["members"]]
    except (httpx2.HTTPError, OSError, json.JSONDecodeError, KeyError, TypeError):
        return None


async def personas_at(address: Address) -> list[Persona] | None:
    """List the personas that the user may ask; None if the server does not say."""
    personas: list[Persona] = []
    where: dict[str, str] = {}
    try:
        async with _client(address) as client:
            for _ in range(MAX_PAGES):
                page = await _read(client, address.personas, limit="50", **where)
                personas += [Persona(PersonaId(str(one["id"])), str(one["name"])) for one in page["personas"]]
                if page.get("next_cursor") is None:
                    break
                where = {"cursor": str(page["next_cursor"])}
    except (httpx2.HTTPError, OSError, json.JSONDecodeError, KeyError, TypeError):
        return None
    return personas


def _client(address: Address) -> httpx2.AsyncClient:
    headers = [(name.encode(), value) for name, value in address.members_headers.items()]
    return httpx2.AsyncClient(timeout=TIMEOUT_S, trust_env=not address.is_near, headers=headers)


async def _read(client: httpx2.AsyncClient, url: str, **params: str) -> dict[str, Any]:
    answer = await client.get(url, params=params)
    answer.raise_for_status()
    return dict(answer.json())
