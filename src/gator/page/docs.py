"""/docs: the HTTP routes for people to read.

Made here and not by a viewer, since those that FastAPI offers come from other hosts.
"""

import re
from collections.abc import Iterator
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response

from gator.page.notation import Schema, bounds_of, fields_of, type_of
from gator.page.policy import security_headers

STYLE: Final = "/docs/style.css"


def add_docs(app: FastAPI) -> None:
    """Add the routes of the documentation."""

    @cache
    def document() -> str:
        return docs_page(app.openapi())

    @app.get("/docs", include_in_schema=False)
    async def read_docs(request: Request) -> HTMLResponse:
        return HTMLResponse(document(), headers=security_headers(request.headers.get("host")))

    @app.get(STYLE, include_in_schema=False)
    async def read_style() -> Response:
        return Response(files("gator.page").joinpath("docs.css").read_bytes(), media_type="text/css")


def docs_page(document: dict[str, Any]) -> str:
    """Write an OpenAPI document as a page."""
    info = document["info"]
    title = escape(f"{info['title']} {info['version']}: HTTP routes")
    return "\n".join(
        (
            '<!doctype html><html lang="en"><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">',
            # Without an icon of its own a browser asks for one that is nowhere.
            f'<title>{title}</title><link rel="icon" href="data:,"><link rel="stylesheet" href="{STYLE}">',
            f"<header><h1>{title}</h1><p>{_prose(info['summary'])} {_prose(info['description'])}",
            '<p>For programs: <a href="/openapi.json">openapi.json</a>. In open mode the header '
            "<code>X-Gator-User</code> says who asks, else <code>Authorization: Bearer TOKEN</code>.</header>",
            *_contents(document),
            "<main>",
            *_operations(document),
            "<h2>Objects</h2>",
            *_objects(document["components"]["schemas"]),
            "</main></html>",
        )
    )


def _by_tag(document: dict[str, Any]) -> dict[str, list[tuple[str, str, dict[str, Any]]]]:
    found: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            found.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    return found


def _contents(document: dict[str, Any]) -> Iterator[str]:
    yield '<nav aria-label="Routes">'
    for tag, operations in _by_tag(document).items():
        yield f"<h2>{escape(tag.capitalize())}</h2><ul>"
        for method, _, operation in operations:
            name = escape(operation["summary"])
            yield f'<li><a href="#{operation["operationId"]}">{name}</a> <small>{method}</small>'
        yield "</ul>"
    yield "</nav>"


def _operations(document: dict[str, Any]) -> Iterator[str]:
    for tag, operations in _by_tag(document).items():
        yield f"<h2>{escape(tag.capitalize())}</h2>"
        for method, path, operation in operations:
            yield f'<section id="{operation["operationId"]}"><h3><b>{method}</b> <code>{escape(path)}</code></h3>'
            yield from (f"<p>{_prose(part)}" for part in operation["description"].split("\n\n"))
            yield from _parameters(operation.get("parameters", []))
            yield from _body(operation)
            yield from _answers(operation["responses"])
            yield "</section>"


def _parameters(parameters: list[dict[str, Any]]) -> Iterator[str]:
    if not parameters:
        return
    yield "<table><caption>Parameters</caption><tr><th>Name<th>In<th>Type<th>What"
    for each in parameters:
        name = each["name"] + ("" if each["required"] else "?")
        schema = each["schema"]
        yield _row(f"<code>{escape(name)}</code>", each["in"], _type(schema), _about(schema))
    yield "</table>"


def _body(operation: dict[str, Any]) -> Iterator[str]:
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Body: {_type(content['schema'])} as <code>{escape(media_type)}</code>"


def _answers(responses: dict[str, Any]) -> Iterator[str]:
    yield "<table><caption>Answers</caption><tr><th>Status<th>Type<th>As"
    for status, response in responses.items():
        contents = response.get("content", {})
        for media_type, content in contents.items():
            yield _row(escape(status), _type(content.get("schema", {})), f"<code>{escape(media_type)}</code>")
        if not contents:
            yield _row(escape(status), "", "")
    yield "</table>"


def _objects(schemas: dict[str, Schema]) -> Iterator[str]:
    for name, schema in sorted(schemas.items()):
        yield f'<section id="{escape(name)}"><h3><code>{escape(name)}</code></h3>'
        yield f"<p>{_prose(schema.get('description', ''))}"
        if "properties" not in schema:
            yield f"<p>{_type(schema)}</section>"
            continue
        yield "<table><tr><th>Field<th>Type<th>What"
        fields = zip(fields_of(schema, _link), schema["properties"].values(), strict=True)
        for (field, kind), described in fields:
            yield _row(f"<code>{escape(field)}</code>", f"<code>{kind}</code>", _about(described))
        yield "</table></section>"


def _row(*cells: str) -> str:
    return "<tr>" + "".join(f"<td>{cell}" for cell in cells)


def _type(schema: Schema) -> str:
    return f"<code>{type_of(schema, _link)}</code>"


def _link(name: str) -> str:
    return f'<a href="#{escape(name)}">{escape(name)}</a>'


def _about(schema: Schema) -> str:
    """Write what a value means, and what it has to keep to."""
    return _prose(" ".join(part for part in (schema.get("description", ""), bounds_of(schema)) if part))


def _prose(text: str) -> str:
    """Write a docstring's paragraph: what it quotes is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
