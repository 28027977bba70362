"""HTTP under `/api/v1`: what a client asks for once, where the socket tells it live."""

from typing import Any

from fastapi import APIRouter, FastAPI

from gator.api import (
    admin,
    avatars,
    cards,
    config,
    conversations,
    health,
    members,
    memory,
    messages,
    personas,
    replies,
    users,
)
from gator.api.models import Problem
from gator.api.problems import MEDIA_TYPE

PREFIX = "/api/v1"


def documentation() -> dict[str, Any]:
    """Describe the API for OpenAPI. FastAPI's own viewers stay away: they load from other hosts."""
    return {
        "docs_url": None,
        "redoc_url": None,
        "summary": "Real-time chat for people and AI personas.",
        "description": "The WebSocket's language is in docs/protocol.md and docs/reference/asyncapi.json.",
        "license_info": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        "responses": {"default": {"model": Problem, "description": "Problem"}},
    }


def include_routers(app: FastAPI) -> None:
    """Add every route."""
    api = APIRouter(prefix=PREFIX)
    # An id may hold slashes, so the address of a conversation itself is matched last; see `ids_in_paths.py`.
    # So is that of a persona: `budget` and `import` are none.
    for feature in (
        users,
        members,
        messages,
        memory,
        conversations,
        replies,
        cards,
        avatars,
        personas,
        config,
        admin,
    ):
        api.include_router(feature.router)
    app.include_router(api)
    app.include_router(health.router)
    _describe_problems(app)


def _describe_problems(app: FastAPI) -> None:
    # FastAPI describes every answer with a model as JSON; problems have a media type of their own.
    plain = app.openapi

    def described() -> dict[str, Any]:
        document = plain()
        for path in document["paths"].values():
            for operation in path.values():
                content = operation["responses"]["default"]["content"]
                if "application/json" in content:
                    content[MEDIA_TYPE] = content.pop("application/json")
        return document

    app.openapi = described  # type: ignore[method-assign] # FastAPI's documented way
