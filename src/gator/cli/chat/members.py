"""Who is in a conversation, asked over HTTP."""

import json

import httpx2

from gator.cli.chat.address import Address
from gator.cli.chat.effects import Present

TIMEOUT_S = 5.0


async def members_at(address: Address) -> list[Present] | None:
    """List the members, up to 200; None if the server does not say."""
    try:
        async with httpx2.AsyncClient(timeout=TIMEOUT_S, trust_env=not address.is_near) as client:
            headers = [(name.encode(), value) for name, value in address.members_headers.items()]
            answer = await client.get(address.members, params={"limit": 200}, headers=headers)
        if answer.status_code != httpx2.codes.OK:
            return None
        return [Present(str(one["user_id"]), bool(one["online"])) for one in answer.json()["members"]]
    except (httpx2.HTTPError, OSError, json.JSONDecodeError, KeyError, TypeError):
        return None
